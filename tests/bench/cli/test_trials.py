"""`leangnn trials`."""

from __future__ import annotations

import pytest

from db.records import Status

SMALL = "gcn(layers=2,hidden=8)"


def test_trials_as_json_are_a_list_with_the_promised_keys(cli, ran) -> None:
    said = cli("trials", "--json", "--db", ran.store)
    assert (said.code, len(said.json)) == (0, len(ran.trials))
    assert all({"dataset", "method", "split", "seed", "status"} <= set(row) for row in said.json)
    assert {row["status"] for row in said.json} == {"finished", "missed_target", "out_of_memory", "crashed"}
    [finished] = [row for row in said.json if row["method"].endswith("watches_labels")]
    parts = {name: seconds for name, seconds in finished["ledger"].items() if name not in ("wall", "scored")}
    assert set(parts) == {"load", "preprocess", "compile", "train", "evaluate", "checkpoint", "idle"}
    assert 0 <= finished["balanced_accuracy"] <= 1
    assert all((row["balanced_accuracy"] is None) is (row["test_metric"] is None) for row in said.json)
    assert finished["ledger"]["scored"] == parts["preprocess"] + parts["compile"] + parts["train"]


def test_trials_narrow_to_what_is_asked(cli, ran) -> None:
    [row] = cli("trials", "--json", "--status", "out_of_memory", "--db", ran.store).json
    assert row["method"] == "gcn(hidden=2000000)+full_batch"
    rows = cli("trials", "--json", "--method", f"{SMALL}+full_batch", "--db", ran.store).json
    assert sorted(row["seed"] for row in rows) == [0, 1]
    assert cli("trials", "--json", "--dataset", "cora", "--db", ran.store).json == []


@pytest.mark.usefixtures("trials_here")
def test_trials_say_what_selected_and_how_often_dynamics_were_sampled(cli) -> None:
    words = ("run", "--dataset", "minesweeper-grid(side=12)", "--method", SMALL, "--epochs", 3, "--threads", 1)
    assert cli(*words, "--dynamics-every", 0, "--select-by", "balanced_accuracy").code == 0
    assert cli(*words, "--dynamics-every", 2).code == 0
    settings = [row["protocol_settings"] for row in cli("trials", "--json").json]
    found = [(setting["dynamics_every"], setting["select_by"]) for setting in settings]
    assert found == [(None, "balanced_accuracy"), (2, "metric")]


def test_trials_as_a_table_give_reasons(cli, ran) -> None:
    said = cli("trials", "--db", ran.store)
    assert said.code == 0
    assert "ValueError: the sampler lost" in said.out
    assert "No trial matches" in cli("trials", "--status", "interrupted", "--db", ran.store).out
    assert "start with: leangnn run quick" in cli("trials").out


def test_every_status_may_be_asked_for(cli, ran) -> None:
    assert all(cli("trials", "--status", status.value, "--db", ran.store).code == 0 for status in Status)

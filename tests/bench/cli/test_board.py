"""`leangnn board` and `leangnn compare`."""

from __future__ import annotations

import pytest

SMALL = "gcn(layers=2,hidden=8)"
REFERENCE = f"{SMALL}+full_batch"
KEYS = {
    "dataset", "backbone", "method", "metric", "mean", "ci_low", "ci_high", "n", "time_ratio", "memory_ratio",
    "target_ratio", "status", "device", "trust",
}  # fmt: skip


def test_the_board_as_json_is_a_list_with_the_promised_keys(cli, ran) -> None:
    said = cli("board", "--json", "--db", ran.store)
    assert (said.code, said.error) == (0, "")
    assert isinstance(said.json, list)
    assert all(set(row) >= KEYS for row in said.json)
    rows = {(row["method"], row["n"]): row for row in said.json}
    watched = rows[f"{SMALL}+watches_labels", 1]
    # the same steps as the reference, so the same metric
    assert watched["mean"] == ran.row(f"{SMALL}+watches_labels").test_metric
    assert (watched["backbone"], watched["metric"], watched["device"]) == (SMALL, "roc_auc", "cpu")
    assert watched["time_ratio"] > 0
    assert rows[REFERENCE, 1]["time_ratio"] == 1


def test_the_board_as_a_table(cli, ran) -> None:
    said = cli("board", "--db", ran.store)
    assert said.code == 0
    assert f"{SMALL}+watches_labels" in said.out
    assert "minesweeper-grid(side=12)" in said.out
    assert "Ratios are to the paired full-batch reference" in said.out


def test_the_board_narrows_to_what_is_asked(cli, ran) -> None:
    narrowed = cli("board", "--json", "--strategy", "watches_labels", "--db", ran.store).json
    assert {row["method"] for row in narrowed} == {f"{SMALL}+watches_labels"}
    assert cli("board", "--json", "--dataset", "cora", "--db", ran.store).json == []
    assert "Nothing matches" in cli("board", "--dataset", "cora", "--db", ran.store).out


def test_an_empty_store_says_how_to_start(cli) -> None:
    assert "start with: leangnn run quick" in cli("board").out
    assert cli("board", "--json").json == []


def test_two_methods_side_by_side(cli, ran) -> None:
    # `gcn(...)` alone means full batch, as on the command line
    said = cli("compare", f"{SMALL}+watches_labels", SMALL, "--json", "--db", ran.store)
    [result] = said.json
    assert (result["first"], result["second"]) == (f"{SMALL}+watches_labels", REFERENCE)
    assert (result["dataset"], result["n"], result["difference"]) == ("minesweeper-grid(side=12)", 1, 0.0)
    assert {"p_value", "equivalent", "time_ratio", "memory_ratio", "target_ratio"} <= set(result)
    table = cli("compare", f"{SMALL}+watches_labels", SMALL, "--db", ran.store)
    assert (table.code, "against" in table.out) == (0, True)


@pytest.mark.parametrize("other", ["gcn(hidden=2000000)", f"{SMALL}+raises_late"])
def test_methods_without_a_common_result_cannot_be_compared(sentence, ran, other: str) -> None:
    said = sentence(1, "compare", SMALL, other, "--db", ran.store)
    assert "share no dataset, split and seed under one protocol; run both first" in said


def test_an_unknown_method_gets_the_nearest_stored_one(sentence, ran) -> None:
    said = sentence(2, "compare", "gcn(layers=2,hidden=9)+full_batch", SMALL, "--db", ran.store)
    assert f"did you mean '{REFERENCE}'" in said

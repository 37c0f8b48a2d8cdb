"""The plan: references, order, doubles, names and settings."""

from __future__ import annotations

from typing import Any

import pytest

from bench.errors import UsageError
from bench.plan import PlannedTrial, parse_numbers, plan
from bench.suite import Run, Suite
from methods.errors import SpecError


def made(*runs: dict[str, Any], **settings: Any) -> list[PlannedTrial]:
    blocks = [Run(**{"datasets": ["cora"], "methods": ["gcn"], **run}) for run in runs or ({},)]
    return plan(Suite(question="test", run=blocks, **settings))


def shown(trials: list[PlannedTrial]) -> list[str]:
    return [f"{trial.dataset} {trial.method.name} {trial.split}{trial.seed}{trial.repeat}" for trial in trials]


BATCHED = "gcn+full_batch(graphs_per_step=8)"


def test_a_candidate_stands_beside_its_reference_and_every_other_group_is_reversed() -> None:
    trials = made({"methods": [BATCHED]}, splits=[0, 1], seeds=[3, 4])
    assert shown(trials) == [
        "cora gcn+full_batch 030",
        f"cora {BATCHED} 030",
        f"cora {BATCHED} 130",
        "cora gcn+full_batch 130",
        "cora gcn+full_batch 040",
        f"cora {BATCHED} 040",
        f"cora {BATCHED} 140",
        "cora gcn+full_batch 140",
    ]


def test_with_two_datasets_both_are_reversed_in_turn() -> None:
    trials = made({"datasets": ["cora", "pubmed"], "methods": [BATCHED]}, seeds=[0, 1])
    first_of_group = [trial.method.name for trial in trials[::2]]
    assert [trial.dataset for trial in trials[::2]] == ["cora", "pubmed", "cora", "pubmed"]
    assert first_of_group == ["gcn+full_batch", "gcn+full_batch", BATCHED, BATCHED]


def test_each_reference_is_followed_by_its_own_candidates() -> None:
    trials = made({"methods": ["mlp", BATCHED, "gcn(hidden=8)+full_batch(graphs_per_step=8)", "gcn"]})
    assert [trial.method.name for trial in trials] == [
        "mlp+full_batch",
        "gcn+full_batch",
        BATCHED,
        "gcn(hidden=8)+full_batch",
        "gcn(hidden=8)+full_batch(graphs_per_step=8)",
    ]


def test_doubles_are_dropped_however_they_are_spelled() -> None:
    assert len(made({"methods": ["gcn", "gcn(layers=3)+full_batch"], "datasets": ["cora", "cora(split=public)"]})) == 1
    spelled_out = {"methods": ["appnp(hidden=64,layers=2,dropout=0.5)"], "protocol": {"learning_rate": 0.01}}
    spelled_out["protocol"] |= {"weight_decay": 5e-4, "epochs": 200}
    assert len(made({"preset": "planetoid", "methods": ["appnp"]}, spelled_out)) == 1


def test_another_protocol_is_another_trial_with_a_reference_of_its_own() -> None:
    trials = made({"methods": [BATCHED]}, {"methods": [BATCHED], "protocol": {"epochs": 5}})
    assert [(trial.method.name, trial.protocol.epochs) for trial in trials] == [
        ("gcn+full_batch", 200),
        (BATCHED, 200),
        ("gcn+full_batch", 5),
        (BATCHED, 5),
    ]


def test_settings_of_a_block_win_over_the_suites_and_both_over_the_presets() -> None:
    [trial] = made({"preset": "planetoid", "protocol": {"epochs": 7}}, protocol={"epochs": 5, "clip": 1.0})
    settings = trial.protocol.settings()
    assert (settings["epochs"], settings["clip"], settings["weight_decay"]) == (7, 1.0, 5e-4)
    assert trial.method.name == "gcn(layers=2,hidden=64,input_dropout=0.5)+full_batch"
    assert trial.preset == "planetoid"


def test_what_the_user_writes_wins_over_the_preset_and_references_share_it() -> None:
    trials = made({"preset": "planetoid", "methods": ["gcn(hidden=8)+full_batch(graphs_per_step=8)"]})
    assert {str(trial.method.backbone) for trial in trials} == {"gcn(layers=2,hidden=8,input_dropout=0.5)"}


def test_a_preset_changes_by_dataset() -> None:
    trials = made({"preset": "tuned", "datasets": ["minesweeper", "amazon-ratings"]})
    assert [(trial.dataset, trial.method.backbone.parameters["layers"]) for trial in trials] == [
        ("minesweeper", 12),
        ("amazon-ratings", 4),
    ]


@pytest.mark.parametrize(
    ("run", "error", "sentence"),
    [
        ({"datasets": ["cra"]}, UsageError, "there is no dataset 'cra'; did you mean 'cora'"),
        ({"datasets": ["cora(splt=full)"]}, UsageError, "has no parameter 'splt'; did you mean 'split'"),
        ({"datasets": ["minesweeper-grid(side=big)"]}, UsageError, "side"),
        ({"methods": ["gnc"]}, SpecError, "is called 'gnc'; did you mean"),
        ({"methods": ["gcn(layer=1)"]}, SpecError, "gcn has no parameter 'layer'; did you mean 'layers'"),
        ({"methods": ["gcn(layers=0)"]}, SpecError, "must be at least 1"),
        ({"methods": ["full_batch"]}, SpecError, "names no backbone"),
        ({"preset": "tund"}, UsageError, "no preset is called 'tund'; did you mean 'tuned'"),
        ({"preset": "planetoid", "methods": ["gin"]}, UsageError, "covers no backbone 'gin'"),
        ({"protocol": {"epoch": 1}}, UsageError, "'epoch' is no setting"),
        ({"protocol": {"epochs": 0}}, UsageError, "epochs=0 is not possible"),
    ],
)
def test_wrong_words_and_impossible_values_are_found_before_anything_runs(
    run: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error) as caught:
        made(run)
    assert sentence in str(caught.value)


def test_a_fingerprint_changes_with_everything_that_decides_the_result() -> None:
    [trial], here = made(), ("1", "laptop", "abc")
    others = [
        made({"datasets": ["pubmed"]}), made({"methods": ["mlp"]}), made({"protocol": {"epochs": 3}}),
        made(splits=[1]), made(seeds=[1]), made(repeats=2)[1:],
    ]  # fmt: skip
    prints = {trial.fingerprint(*here), *(other.fingerprint(*here) for [other] in others)}
    elsewhere = [("2", "laptop", "abc"), ("1", "H200", "abc"), ("1", "laptop", "d")]
    prints |= {trial.fingerprint(*changed) for changed in elsewhere}
    assert len(prints) == 10
    assert made({"methods": ["gcn(layers=3)"]})[0].fingerprint(*here) == trial.fingerprint(*here)


def test_numbers_of_splits_and_seeds() -> None:
    assert parse_numbers("0-3", "splits") == [0, 1, 2, 3]
    assert parse_numbers("5, 0,2-3,0", "seeds") == [5, 0, 2, 3]


@pytest.mark.parametrize("text", ["", "x", "1.5", "-1", "3-1", "0,3-1", "1-", "0,,1"])
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match=r"--seeds .*is not possible"):
        parse_numbers(text, "seeds")


def test_several_processes_have_no_reference_and_refuse_what_they_cannot_share() -> None:
    sampled = "gcn+neighbor_sampling"
    [alone] = made({"methods": [sampled], "protocol": {"processes": 2}})
    assert (alone.method.name, alone.protocol.processes) == (sampled, 2)
    assert len(made({"methods": [sampled]})) == 2
    with pytest.raises(UsageError, match="2 processes cannot share the steps of full_batch"):
        made({"methods": ["gcn"], "protocol": {"processes": 2}})

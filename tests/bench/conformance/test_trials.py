"""What trials among decoys show, judged from results made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.clock import ACCOUNTS
from bench.conformance.check import Check
from bench.conformance.trials import WRONG, Run, Seen, judged
from methods.plugin import Kind

LEDGER = {**dict.fromkeys(ACCOUNTS, 0.5), "wall": 3.5}


def trial(loss: float = 0.5, score: float = 0.25, **changed: Any) -> Seen:
    """A finished trial with two validation labels and one test label."""
    result = {
        "status": "finished", "epochs": 12, "curve": [{"train_loss": loss}], "ledger": LEDGER, "model_bytes": 400,
        "parameters": 100, "environment": {"quantizer": {"simulated": True}}, **changed,
    }  # fmt: skip
    predictions = {"valid": np.array([0.5, 0.75]), "test": np.array([score])}
    return Seen(result, predictions, (), 3.6, {"valid": 2, "test": 1})


def checks(seen: dict[Run, Seen], kind: Kind = "strategy") -> dict[str, Check]:
    """The checks of four equal trials, some of them replaced."""
    runs: dict[Run, Seen] = {**dict.fromkeys(WRONG, trial()), **seen}
    return {check.name: check for check in judged(kind, runs, 55.0)}


def failed(found: dict[str, Check]) -> set[str]:
    return {name for name, check in found.items() if check.status == "failed"}


def test_four_equal_trials_pass_everything() -> None:
    assert all(check.status == "passed" for check in checks({}, "quantizer").values())


@pytest.mark.parametrize("other", [trial(loss=0.5000001), trial(score=0.2500001), trial(loss=float("nan"))])
@pytest.mark.parametrize(
    ("run", "name"),
    [
        ("again", "deterministic"),
        ("wrong test labels", "test labels"),
        ("wrong validation labels", "validation labels"),
    ],
)
def test_any_difference_counts(run: Run, name: str, other: Seen) -> None:
    assert failed(checks({run: other})) == {name}


def test_without_determinism_labels_cannot_be_judged() -> None:
    found = checks({"again": trial(loss=0.6), "wrong test labels": trial(loss=0.7)})
    assert found["test labels"].status == found["validation labels"].status == "not applicable"


def test_a_trial_that_ends_otherwise_among_wrong_labels_reads_them() -> None:
    crashed = replace(trial(), result={"status": "crashed", "reason": "IndexError: 7"}, predictions={})
    found = checks({"wrong test labels": crashed})
    assert failed(found) == {"test labels"}
    assert "the trial ends as crashed: IndexError: 7" in found["test labels"].sentence


def test_a_trial_that_does_not_finish_is_one_failure() -> None:
    crashed = replace(trial(), result={"status": "crashed", "reason": "it broke"}, predictions={})
    found = checks(dict.fromkeys(WRONG, crashed))
    assert failed(found) == {"trial"}
    assert found["trial"].sentence == "the trial ended as crashed: it broke"


def test_a_trial_that_never_began_is_no_success() -> None:
    found = {check.name: check for check in judged("strategy", {}, 55.0)}
    assert failed(found) == set(found) - {"label files"}
    assert "did not begin within the 55 s" in found["trial"].sentence


def test_opened_files_of_any_trial_are_told_with_their_line() -> None:
    spied = replace(trial(), opened=({"file": "/data/graph.npz", "by": "mine.py, line 7"},))
    found = checks({"wrong validation labels": spied})
    assert failed(found) == {"label files"}
    assert found["label files"].sentence.startswith("mine.py, line 7, opens graph.npz of a dataset")


@pytest.mark.parametrize("test", [np.array([0.5, 0.5]), np.array([np.nan]), np.array([[0.5]])])
def test_predictions_are_one_finite_number_a_label(test: np.ndarray) -> None:
    odd = replace(trial(), predictions={"valid": np.array([0.5, 0.75]), "test": test})
    found = checks(dict.fromkeys(WRONG, odd))
    assert failed(found) == {"predictions"}


@pytest.mark.parametrize(
    "first",
    [
        trial(ledger={**LEDGER, "train": 0.55}),
        trial(ledger={**LEDGER, "train": -0.5, "load": 1.5}),
        replace(trial(), seconds=9.0),
    ],
    ids=["sum", "negative", "another clock"],
)
def test_ledgers_that_do_not_close(first: Seen) -> None:
    assert failed(checks({"first": first})) == {"ledger"}


@pytest.mark.parametrize(
    ("stored", "facts", "passes"),
    [
        (399, {"simulated": True}, False),
        (13, {"simulated": False}, True),
        (12, {"simulated": False}, False),
        (400, {}, False),
    ],
)
def test_bytes_of_quantizers(stored: int, facts: dict[str, bool], passes: bool) -> None:
    first = trial(model_bytes=stored, environment={"quantizer": facts})
    assert failed(checks({"first": first}, "quantizer")) == (set() if passes else {"model bytes"})

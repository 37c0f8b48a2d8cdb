"""What is checked of one trial finds what was changed."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.metrics import balanced_accuracy, roc_auc
from bench.verification.trials import (
    curve_differences,
    hash_differences,
    ledger_differences,
    metric_differences,
    same,
)
from db.records import Ledger, Status, TrialRecord
from db.scoring.curve import Curve

SETTINGS = {"epochs": 3, "select_by": "metric"}
KEY = hashlib.sha256(json.dumps(SETTINGS, sort_keys=True).encode()).hexdigest()[:12]


def trial(**changes: Any) -> TrialRecord:
    known: dict[str, Any] = {
        "trial_id": "t", "fingerprint": "f", "session_id": "s", "machine_id": "m", "dataset": "d",
        "dataset_version": "1", "method": "gcn", "protocol": KEY, "protocol_settings": SETTINGS, "preset": None,
        "split": 0, "seed": 0, "repeat": 0, "device": "cpu", "status": Status.FINISHED,
        "started_at": datetime(2026, 1, 2, tzinfo=UTC), "ledger": Ledger(1, 0, 0, 2, 1, 0, 0, 4.0),
        "validation_metric": 0.5, "test_metric": 0.75, "selected_epoch": 2, "epochs": 3, "node_visits": 30,
        "edge_visits": 60,
    }  # fmt: skip
    return TrialRecord(**(known | changes))


def curve(**changes: Any) -> Curve:
    known: dict[str, Any] = {
        "epoch": [1, 2, 3], "step": [1, 2, 3], "scored_seconds": [0.5, 1.0, 2.0], "train_loss": [3.0, 2.0, 1.0],
        "validation_metric": [0.25, 0.5, 0.5], "node_visits": [10, 20, 30], "edge_visits": [20, 40, 60],
    }  # fmt: skip
    return Curve(**{name: np.array(values) for name, values in (known | changes).items()})


def stored(valid: Any, test: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, valid=valid, test=test)
    return file.getvalue()


@pytest.fixture
def classes() -> Any:
    """Labels 0 to 2 of four validation and four test nodes."""
    split = SimpleNamespace(valid=np.arange(4), test=np.arange(4, 8))
    return SimpleNamespace(metric="accuracy", y=np.array([0, 0, 1, 2, 0, 0, 1, 2]), splits=[split])


def test_numbers_are_the_same_to_the_last_digits_and_none_is_no_number() -> None:
    assert same(0.1 + 0.2, 0.3) and same(1, 1.0) and same(None, None) and same("a", "a")
    assert not same(0.3, 0.3000001) and not same(None, 0.0) and not same(True, 1.5)


def test_accuracy_from_predictions(classes: Any) -> None:
    predictions = stored([0, 1, 1, 0], [0, 0, 1, 1])
    further = {"test_balanced_accuracy": 2 / 3, "validation_balanced_accuracy": 0.5}
    assert not list(metric_differences(trial(further_metrics=further), predictions, classes))
    wrong = trial(test_metric=0.76, further_metrics={**further, "test_balanced_accuracy": 0.75})
    found = list(metric_differences(wrong, predictions, classes))
    assert [each.what for each in found] == ["test_metric", "test_balanced_accuracy"]
    assert str(found[0]) == "test_metric is 0.76, computed again 0.75"


def test_roc_auc_from_scores(classes: Any) -> None:
    classes.metric, classes.y = "roc_auc", np.array([0, 1, 0, 1, 1, 0, 1, 0])
    valid, test = np.array([0.5, 0.5, -1.0, 2.0]), np.array([1.0, -1.0, -0.5, -0.5])
    further = {"test_balanced_accuracy": balanced_accuracy(test > 0, classes.y[4:])}
    right = trial(
        test_metric=roc_auc(test, classes.y[4:]),
        validation_metric=roc_auc(valid, classes.y[:4]),
        further_metrics=further,
    )
    assert not list(metric_differences(right, stored(valid, test), classes))
    assert len(list(metric_differences(trial(), stored(valid, test), classes))) == 2


@pytest.mark.parametrize(("ledger", "count"), [((1, 0, 0, 2, 1, 0, 0, 4.03), 0), ((1, 0, 0, 2, 1, 0, 0, 4.1), 1),
                                               ((3, 0, 0, 2, 0, 0, -1, 4.0), 1)])  # fmt: skip
def test_a_ledger_adds_up(ledger: tuple[float, ...], count: int) -> None:
    assert len(list(ledger_differences(Ledger(*ledger)))) == count


def test_a_curve_that_agrees() -> None:
    assert not list(curve_differences(trial(), curve()))
    # epochs that balanced accuracy selected are not those of the best metric
    other = trial(protocol_settings={**SETTINGS, "select_by": "balanced_accuracy"}, selected_epoch=3)
    assert not list(curve_differences(other, curve()))


@pytest.mark.parametrize(
    ("changes", "points", "what"),
    [
        ({"selected_epoch": 3}, {}, "selected_epoch"),
        ({"selected_epoch": 7}, {}, "selected_epoch"),
        ({"validation_metric": 0.6}, {}, "validation_metric"),
        ({"epochs": 4}, {}, "epochs"),
        ({"node_visits": 31}, {}, "node_visits"),
        ({}, {"scored_seconds": [0.5, 0.4, 2.0]}, "the curve's scored_seconds"),
        ({}, {"scored_seconds": [0.5, 1.0, 3.0]}, "the curve's last scored_seconds"),
    ],
)
def test_a_curve_that_does_not(changes: dict[str, Any], points: dict[str, Any], what: str) -> None:
    assert [each.what for each in curve_differences(trial(**changes), curve(**points))] == [what]


def test_a_trial_with_a_metric_has_a_curve() -> None:
    assert [each.what for each in curve_differences(trial(), None)] == ["the curve"]


def test_hashes() -> None:
    right = trial(predictions_sha256=hashlib.sha256(b"x").hexdigest())
    assert not list(hash_differences(right, b"x"))
    assert [each.what for each in hash_differences(right, b"y")] == ["predictions_sha256"]
    assert [each.what for each in hash_differences(trial(protocol_settings={"epochs": 4}), None)] == ["protocol"]

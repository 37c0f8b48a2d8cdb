"""What can be checked of one trial: its metrics from its predictions, its ledger, its curve, its hashes."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.datasets.graph_data import GraphData
from db.records import Ledger, TrialRecord
from db.scoring.curve import Curve

LEDGER_SLACK = 0.01
"""Share of the wall time by which the accounts of a ledger may miss it."""

_PARTS = ("load", "preprocess", "compile", "train", "evaluate", "checkpoint", "idle")


class Difference(NamedTuple):
    """A stored figure that is not what its raw values say."""

    what: str
    stored: object
    found: object

    def __str__(self) -> str:
        return f"{self.what} is {self.stored!r}, computed again {self.found!r}"


def same(stored: object, found: object) -> bool:
    """Whether two figures are one; numbers may differ in the last digits."""
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in (stored, found)]
    if all(numbers):
        return math.isclose(float(stored), float(found), rel_tol=1e-9, abs_tol=1e-12)  # type: ignore[arg-type]
    return stored == found


def metric_differences(trial: TrialRecord, predictions: bytes, data: GraphData) -> Iterator[Difference]:
    """The metrics of a trial against those of its stored predictions, by the library's definitions."""
    with np.load(io.BytesIO(predictions), allow_pickle=False) as arrays:
        parts = {name: arrays[name] for name in ("valid", "test")}
    split = data.splits[trial.split]
    labels = {"valid": data.y[split.valid], "test": data.y[split.test]}
    further = trial.further_metrics or {}
    stored = {"test_metric": ("test", trial.test_metric), "validation_metric": ("valid", trial.validation_metric)}
    for what, (part, figure) in stored.items():
        found = _metric(data.metric, parts[part], labels[part])
        if figure is not None and not same(figure, found):
            yield Difference(what, figure, found)
    for what, part in (("test_balanced_accuracy", "test"), ("validation_balanced_accuracy", "valid")):
        found = _balanced(data.metric, parts[part], labels[part])
        if what in further and not same(further[what], found):
            yield Difference(what, further[what], found)


def _metric(name: str, predictions: NDArray, labels: NDArray) -> float:
    if name == "accuracy":
        pairs = zip(predictions.tolist(), labels.tolist(), strict=True)
        return sum(one == other for one, other in pairs) / len(labels)
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, predictions))


def _balanced(name: str, predictions: NDArray, labels: NDArray) -> float:
    classes = (predictions > 0).astype(int) if name == "roc_auc" else predictions
    recalls = [float((classes[labels == label] == label).mean()) for label in np.unique(labels)]
    return sum(recalls) / len(recalls)


def ledger_differences(ledger: Ledger) -> Iterator[Difference]:
    """The accounts of a ledger against its wall time."""
    total = sum(getattr(ledger, part) for part in _PARTS)
    if abs(total - ledger.wall) > LEDGER_SLACK * ledger.wall:
        yield Difference("the sum of the ledger", ledger.wall, total)
    for part in _PARTS:
        if getattr(ledger, part) < 0:
            yield Difference(f"the ledger's {part}", getattr(ledger, part), "at least 0")


def curve_differences(trial: TrialRecord, curve: Curve | None) -> Iterator[Difference]:
    """A finished trial against its curve: the selected epoch, the end, the work, and that time runs forwards."""
    if curve is None or not len(curve.epoch):
        yield Difference("the curve", "of a trial with a metric", "empty")
        return
    at = np.flatnonzero(curve.epoch == trial.selected_epoch)
    validation = curve.validation_metric
    if not len(at):
        yield Difference("selected_epoch", trial.selected_epoch, "no evaluation of that epoch")
    elif trial.validation_metric is not None and not same(trial.validation_metric, float(validation[at[0]])):
        yield Difference("validation_metric", trial.validation_metric, float(validation[at[0]]))
    elif trial.protocol_settings.get("select_by") == "metric" and at[0] != int(np.nanargmax(validation)):
        yield Difference("selected_epoch", trial.selected_epoch, int(curve.epoch[int(np.nanargmax(validation))]))
    for what in ("epoch", "step", "scored_seconds", "node_visits", "edge_visits"):
        if (np.diff(getattr(curve, what)) < 0).any():
            yield Difference(f"the curve's {what}", "not falling", "falling")
    ends = {"epochs": curve.epoch[-1], "node_visits": curve.node_visits[-1], "edge_visits": curve.edge_visits[-1]}
    for what, end in ends.items():
        if getattr(trial, what) is not None and getattr(trial, what) != int(end):
            yield Difference(what, getattr(trial, what), int(end))
    last = float(curve.scored_seconds[-1])
    if trial.ledger is not None and last > (1 + LEDGER_SLACK) * trial.ledger.scored:
        yield Difference("the curve's last scored_seconds", last, f"at most {trial.ledger.scored}")


def hash_differences(trial: TrialRecord, predictions: bytes | None) -> Iterator[Difference]:
    """The hashes of a trial's predictions and protocol."""
    if predictions is not None:
        found = hashlib.sha256(predictions).hexdigest()
        if found != trial.predictions_sha256:
            yield Difference("predictions_sha256", trial.predictions_sha256, found)
    document = json.dumps(trial.protocol_settings, sort_keys=True).encode()
    key = hashlib.sha256(document).hexdigest()[: len(trial.protocol)]
    if key != trial.protocol:
        yield Difference("protocol", trial.protocol, key)

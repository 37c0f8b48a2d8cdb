"""The scorer: the only reader of test labels. It runs in the runner's process and sees predictions, never a model."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.datasets.graph_data import GraphData
from bench.errors import BenchError
from bench.metrics import METRICS, as_classes, balanced_accuracy


class Score(NamedTuple):
    """The test metric of one trial, with what is needed to compute it again.

    `further_metrics` holds the balanced accuracies, as `db.records.TrialRecord` does.
    """

    test_metric: float
    validation_metric: float
    further_metrics: dict[str, float]
    predictions: bytes
    sha256: str


def score(path: Path, data: GraphData, split: int) -> Score:
    """Compute the metrics of a trial from its predictions.

    Args:
        path: an .npz with `valid` and `test`, one prediction a label in the order of the split.
        data: the whole dataset, test labels included.
        split: which split the trial ran.

    Raises:
        BenchError: the predictions cannot be read or do not belong to this split.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(error) from error
    return score_content(content, data, split)


def score_content(content: bytes, data: GraphData, split: int) -> Score:
    """As `score`, from the bytes of the .npz."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            predictions = {part: arrays[part] for part in ("valid", "test")}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _unreadable(error) from error
    metrics, balanced = {}, {}
    for part, values in predictions.items():
        positions = getattr(data.splits[split], part)
        if values.shape != positions.shape:
            raise BenchError(
                f"{data.name}, split {split}, has {positions.size} {part} labels, but there are "
                f"{values.size} predictions; run the trial again"
            )
        labels = data.y[positions]
        metrics[part] = METRICS[data.metric](values, labels)
        balanced[part] = balanced_accuracy(as_classes(values, data.metric), labels)
    further = {"test_balanced_accuracy": balanced["test"], "validation_balanced_accuracy": balanced["valid"]}
    return Score(metrics["test"], metrics["valid"], further, content, hashlib.sha256(content).hexdigest())


def _unreadable(error: Exception) -> BenchError:
    return BenchError(f"the predictions of the trial cannot be read ({error}); run the trial again")

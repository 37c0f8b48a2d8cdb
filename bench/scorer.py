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
from bench.metrics import METRICS


class Score(NamedTuple):
    """The test metric of one trial, with what is needed to compute it again."""

    test_metric: float
    validation_metric: float
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
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            predictions = {part: arrays[part] for part in ("valid", "test")}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BenchError(f"the predictions of the trial cannot be read ({error}); run the trial again") from error
    metrics = {}
    for part, values in predictions.items():
        positions = getattr(data.splits[split], part)
        if values.shape != positions.shape:
            raise BenchError(
                f"{data.name}, split {split}, has {positions.size} {part} labels, but there are "
                f"{values.size} predictions; run the trial again"
            )
        metrics[part] = METRICS[data.metric](values, data.y[positions])
    return Score(metrics["test"], metrics["valid"], content, hashlib.sha256(content).hexdigest())

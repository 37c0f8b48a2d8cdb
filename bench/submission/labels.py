"""Scoring the predictions of a bundle with our own labels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.datasets import registry
from bench.datasets.graph_data import GraphData, Split
from bench.errors import BenchError, DataError, UsageError
from bench.metrics import METRICS
from bench.scorer import Score, score_content
from bench.submission.chance import IMPOSSIBLE, SUSPICIOUS, standard_score
from db.bundle.manifest import Dataset, Trial
from db.bundle.plausibility import TOLERANCE
from db.bundle.report import Finding
from db.bundle.tables import Predictions
from db.scoring.curve import Curve
from methods.errors import SpecError
from methods.spec import parse_spec

_LARGER = 2
"""How many times its default a count of a generated dataset may be."""
_JUMP = 0.5
"""Share of the whole climb that a believable curve does not make between two evaluations on its way to perfection."""
_ENOUGH = 50
"""Test labels from which nobody is right everywhere by luck."""


def load(declared: Dataset, data_dir: str | Path | None, cache_dir: str | Path | None) -> GraphData:
    """Our copy of a dataset that a stranger names.

    Raises:
        UsageError: the name is none of ours, or asks for more than its defaults would generate.
        DataError: the version is another, or the data cannot be had.
    """
    try:
        spec = parse_spec(declared.name)
    except SpecError as error:
        raise UsageError(str(error)) from error
    entry = registry.declared(spec.name)
    if (name := registry.canonical(declared.name)) != declared.name:
        raise UsageError(f"the dataset '{declared.name}' is spelled '{name}'")
    for key, value in spec.parameters.items():
        default = entry.parameters[key].default
        # a count is what a generated graph costs, and who checks a bundle pays it
        if key != "seed" and type(value) is int and type(default) is int and value > _LARGER * default:
            raise UsageError(
                f"{key}={value} of '{declared.name}' is above {_LARGER} times its default of {default}, "
                "more than a check generates"
            )
    data = registry.load(name, data_dir, cache_dir)
    if declared.version != data.version:
        raise DataError(f"the bundle ran {name} in version '{declared.version}' and ours is '{data.version}'; run ours")
    if declared.sha256 not in (None, data.sha256):
        raise DataError(f"the bundle's {name} has another SHA-256 than ours, so its nodes or splits are others")
    return data


def compressed(predictions: Predictions, data: GraphData, trial: Trial) -> bytes:
    """Predictions as a trial of our own leaves them: an .npz with `valid` and `test` in the order of the split.

    Raises:
        BenchError: the nodes are not those of the split, or a value is no prediction of this dataset.
    """
    split = _split(data, trial)
    _check_nodes(predictions.nodes, np.sort(np.concatenate([split.valid, split.test])), data, trial)
    if data.metric == "accuracy":
        values = predictions.values.astype(np.int64)
        wrong = (values != predictions.values) | (values < 0) | (values >= data.classes)
        if wrong.any():
            raise BenchError(
                f"trial {trial.id} predicts {predictions.values[wrong][0]:g} for node {predictions.nodes[wrong][0]}; "
                f"{data.name} has the classes 0 to {data.classes - 1}"
            )
    else:
        values = predictions.values.astype(np.float32)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        valid=values[np.searchsorted(predictions.nodes, split.valid)],
        test=values[np.searchsorted(predictions.nodes, split.test)],
    )
    return file.getvalue()


def _split(data: GraphData, trial: Trial) -> Split:
    if trial.split >= len(data.splits):
        raise BenchError(f"trial {trial.id} ran split {trial.split}; {data.name} has 0 to {len(data.splits) - 1}")
    return data.splits[trial.split]


def _check_nodes(found: NDArray[np.int64], expected: NDArray[np.int64], data: GraphData, trial: Trial) -> None:
    where = f"the validation and test nodes of {data.name}, split {trial.split}"
    if found.size != expected.size:
        raise BenchError(f"trial {trial.id} has {found.size} predictions; {where}, are {expected.size}")
    if (other := np.setdiff1d(found, expected)).size:
        raise BenchError(f"trial {trial.id} predicts node {other[0]}, which is not among {where}")


def judge(trial: Trial, predictions: Predictions, data: GraphData, curve: Curve) -> tuple[Score, list[Finding]]:
    """Score one trial, and say what is wrong with its metrics.

    Raises:
        BenchError: the predictions do not belong to the trial's split.
    """
    scored = score_content(compressed(predictions, data, trial), data, trial.split)
    findings = [*_disagreements(trial, scored, predictions, data), *_too_good(trial, scored, data, curve)]
    return scored, findings


def _disagreements(trial: Trial, scored: Score, predictions: Predictions, data: GraphData) -> Iterator[Finding]:
    for part, claimed, recomputed in (
        ("test", trial.test_metric, scored.test_metric),
        ("valid", trial.validation_metric, scored.validation_metric),
    ):
        assert claimed is not None
        if abs(claimed - recomputed) > TOLERANCE:
            word = "validation" if part == "valid" else part
            yield Finding(
                "error",
                "metric",
                f"trial {trial.id} claims the {word} {data.metric} {claimed:.6g}, but its predictions give "
                f"{recomputed:.6g}{_permuted(part, claimed, predictions, data, trial)}",
                (trial.id,),
            )


def _permuted(part: str, claimed: float, predictions: Predictions, data: GraphData, trial: Trial) -> str:
    """Whether the claim holds for the predictions in another order, which tells a person what went wrong."""
    split = _split(data, trial)
    nodes = getattr(split, part)
    both = np.concatenate([split.valid, split.test])
    for order, word in ((np.sort(both), "ascending order"), (both, "the order of the split")):
        values = np.empty(data.y.size)
        values[order] = predictions.as_written
        if abs(METRICS[data.metric](values[nodes], data.y[nodes]) - claimed) <= TOLERANCE:
            return f"; its nodes are permuted: with nodes in {word} the claim would hold"
    return ""


def _too_good(trial: Trial, scored: Score, data: GraphData, curve: Curve) -> Iterator[Finding]:
    split = _split(data, trial)
    labels = data.y[split.test], data.y[split.valid]
    score = standard_score(scored.test_metric, scored.validation_metric, data.metric, labels)
    if score > SUSPICIOUS:
        yield Finding(
            "error" if score > IMPOSSIBLE else "warning",
            "above-validation",
            f"trial {trial.id} has test {scored.test_metric:.4f} and validation {scored.validation_metric:.4f}, "
            f"{score:.1f} standard errors apart; test labels must not be seen before the end",
            (trial.id,),
        )
    climb = curve.validation_metric[np.isfinite(curve.validation_metric)]
    if scored.test_metric == 1 and split.test.size >= _ENOUGH and climb.size:
        jump = float(np.max(np.diff(climb), initial=0.0))
        if climb.size == 1 or jump > _JUMP * float(np.ptp(climb)):
            yield Finding(
                "error",
                "perfect",
                f"trial {trial.id} is right on all {split.test.size} test labels, and its curve does not climb there: "
                f"it makes {jump:.3f} of {float(np.ptp(climb)):.3f} between two evaluations; "
                "evaluate more often, so that it can be followed",
                (trial.id,),
            )

"""Curves from each kind of database, whole and thinned."""

from __future__ import annotations

import numpy as np
import pytest

from db.read import Reader
from db.records import CurvePoint
from db.store import Store

BEST = 23


@pytest.fixture
def filled(url: str, samples) -> str:
    """Four trials: of 50 evaluations with the best at 23, of three, of one without a metric, and of none."""
    nan = float("nan")

    def points(*metrics: float) -> tuple[CurvePoint, ...]:
        return tuple(CurvePoint(i + 1, i, i / 2, 1.0, metric, 10 * i, 20 * i) for i, metric in enumerate(metrics))

    metrics = [0.9 if position in (BEST, 40) else 0.5 for position in range(50)]
    metrics[7] = nan
    curves = [points(*metrics), points(0.5, 0.6, 0.5), points(nan), ()]
    samples.fill(Store(url), *(samples.trial(split=split, curve=curve) for split, curve in enumerate(curves)))
    return url


def test_whole_curves_by_trial(filled: str, samples) -> None:
    curves = Reader(filled).curves()
    assert {name: len(curve.epoch) for name, curve in curves.items()} == {
        "gcn+full_batch/0": 50,
        "gcn+full_batch/1": 3,
        "gcn+full_batch/2": 1,
    }
    curve = curves["gcn+full_batch/1"]
    assert (curve.epoch.tolist(), curve.edge_visits.tolist()) == ([1, 2, 3], [0, 20, 40])
    assert (curve.epoch.dtype, curve.validation_metric.dtype) == (np.int64, np.float64)
    assert np.isnan(curves["gcn+full_batch/2"].validation_metric).all()


def test_curves_of_some_trials(filled: str) -> None:
    assert list(Reader(filled).curves(["gcn+full_batch/1", "absent"])) == ["gcn+full_batch/1"]
    assert Reader(filled).curves([]) == {}


@pytest.mark.parametrize("points", [4, 10, 49, 50, 52, 200])
def test_a_thinned_curve_keeps_its_ends_and_its_best(filled: str, points: int) -> None:
    reader = Reader(filled)
    thinned, whole = reader.curves(points=points), reader.curves()
    assert set(thinned) == set(whole)
    assert thinned["gcn+full_batch/2"].step.tolist() == [0]
    steps = thinned["gcn+full_batch/0"].step.tolist()
    assert len(steps) <= points and steps == sorted(steps)
    assert {0, BEST, 49} <= set(steps)
    assert steps == list(range(50)) or points < 52
    np.testing.assert_array_equal(
        thinned["gcn+full_batch/0"].validation_metric, whole["gcn+full_batch/0"].validation_metric[steps]
    )


def test_a_curve_cannot_be_thinned_to_less_than_its_ends(filled: str) -> None:
    with pytest.raises(ValueError, match="4 points at least"):
        Reader(filled).curves(points=3)

"""The database says of curves what the curves say."""

from __future__ import annotations

import numpy as np

from db.evaluations import StoredEvaluations
from db.read import Reader
from db.records import CurvePoint
from db.scoring.censoring import CurveEvaluations
from db.store import Store


def test_the_database_agrees_with_the_curves(url: str, samples) -> None:
    random = np.random.default_rng(2)
    trials = []
    for split in range(12):
        metrics = random.uniform(0.4, 0.9, size=random.integers(0, 9))
        metrics[random.random(len(metrics)) < 0.2] = np.nan
        seconds = np.cumsum(random.uniform(0, 2, size=len(metrics)))
        points = enumerate(zip(seconds.tolist(), metrics.tolist(), strict=True))
        curve = tuple(CurvePoint(i, i, second, 1.0, metric, i, i) for i, (second, metric) in points)
        trials.append(samples.trial(split=split, curve=curve))
    samples.fill(Store(url), *trials)
    reader = Reader(url)
    expected = CurveEvaluations(reader.curves())
    asked = [*(trial.trial_id for trial in trials), "absent", trials[0].trial_id]
    targets = random.uniform(0.4, 0.9, size=len(asked))
    targets[3] = np.nan

    best = reader.read(lambda connection: StoredEvaluations(connection).best_metrics(asked), np.zeros(0))
    np.testing.assert_array_equal(best, expected.best_metrics(asked))
    reach = reader.read(lambda connection: StoredEvaluations(connection).reach(asked, targets), None)
    assert reach is not None
    np.testing.assert_array_equal(reach.seconds, expected.reach(asked, targets).seconds)
    np.testing.assert_array_equal(reach.last, expected.reach(asked, targets).last)
    assert np.isnan(best).any() and not np.isnan(reach.seconds).all()


def test_no_questions(url: str, samples) -> None:
    samples.fill(Store(url), samples.trial())
    asked = Reader(url).read(lambda connection: StoredEvaluations(connection).best_metrics([]), None)
    assert asked is not None and len(asked) == 0

"""Time to target with misses, computed by hand."""

import numpy as np
import pytest

from db.scoring.censoring import (
    CurveEvaluations,
    best_metric,
    expected_running_time,
    restricted_mean_ratios,
    restricted_times,
    target_metric,
    time_to_target,
)
from db.scoring.curve import Curve
from db.scoring.samples import Samples


def _curve(seconds: list[float], metrics: list[float]) -> Curve:
    count = np.arange(len(seconds))
    return Curve(count, count, np.array(seconds), count * 1.0, np.array(metrics), count, count)


def test_target_is_99_percent_of_the_median() -> None:
    # median of 0.7 0.8 0.9 is 0.8; 0.99 * 0.8 = 0.792
    assert target_metric([0.9, 0.7, 0.8]) == pytest.approx(0.792)
    assert target_metric([]) is None


def test_first_evaluation_at_or_above_counts() -> None:
    curve = _curve([1, 2, 3, 4], [0.5, 0.8, 0.7, 0.9])
    assert time_to_target(curve, 0.8) == 2
    assert time_to_target(curve, 0.81) == 4
    assert time_to_target(curve, 0.95) is None
    assert time_to_target(None, 0.1) is None


def test_a_loss_of_numbers_is_no_success() -> None:
    curve = _curve([1, 2], [np.nan, 0.6])
    assert time_to_target(curve, 0.5) == 2
    assert best_metric(curve) == 0.6
    assert best_metric(_curve([1], [np.nan])) is None
    assert best_metric(_curve([], [])) is None


def test_misses_are_censored_and_never_dropped() -> None:
    times = [2.0, None, 4.0]
    # restricted mean at 10: (2 + 10 + 4) / 3, where the mean over successes would say 3
    assert restricted_times(times, 10.0).mean() == pytest.approx(16 / 3)
    # ERT: (2 + 8 + 4) / 2 hits
    assert expected_running_time(times, [2.0, 8.0, 4.0]) == 7.0
    assert expected_running_time([None], [8.0]) is None


def test_scored_time_that_ran_backwards_is_taken_at_its_least() -> None:
    assert time_to_target(_curve([3, 2, 4], [0.8, 0.9, 0.7]), 0.8) == 2


def test_curves_answer_for_many_trials() -> None:
    evaluations = CurveEvaluations({"a": _curve([1, 2], [0.5, 0.8]), "b": _curve([], []), "c": _curve([4], [np.nan])})
    names = ["b", "a", "gone", "c"]
    np.testing.assert_array_equal(evaluations.best_metrics(names), [np.nan, 0.8, np.nan, np.nan])
    reach = evaluations.reach(["a", "a", "b", "gone", "c", "a"], np.array([0.5, 0.6, 0.1, 0.1, 0.1, np.nan]))
    np.testing.assert_array_equal(reach.seconds, [1, 2, np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(reach.last, [2, 2, 0, 0, 4, 2])


def test_ratio_of_restricted_means_by_hand() -> None:
    # (2 + 10) / 2 = 6 against (4 + 8) / 2 = 6; an owner without times, and one whose reference took none
    counts = np.array([2, 0, 1])
    ratios = restricted_mean_ratios(
        Samples(np.array([2.0, 10.0, 1.0]), counts), Samples(np.array([4.0, 8.0, 0.0]), counts)
    )
    # the resamples are (2, 2) / (4, 4) = 1/2, 1, and (10, 10) / (8, 8) = 5/4
    assert ratios.one(0) == (1.0, 0.5, 1.25)
    assert ratios.one(1) is ratios.one(2) is None

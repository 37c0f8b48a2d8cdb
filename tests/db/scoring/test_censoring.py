"""Time to target with misses, computed by hand."""

import numpy as np
import pytest

from db.scoring.censoring import (
    best_metric,
    expected_running_time,
    restricted_mean_ratio,
    restricted_times,
    success_rate,
    target_metric,
    time_to_target,
)
from db.scoring.curve import Curve


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
    assert success_rate(times) == pytest.approx(2 / 3)
    # restricted mean at 10: (2 + 10 + 4) / 3, where the mean over successes would say 3
    assert restricted_times(times, 10.0).mean() == pytest.approx(16 / 3)
    # ERT: (2 + 8 + 4) / 2 hits
    assert expected_running_time(times, [2.0, 8.0, 4.0]) == 7.0
    assert expected_running_time([None], [8.0]) is None
    assert success_rate([]) is None


def test_ratio_of_restricted_means_by_hand() -> None:
    # (2 + 10) / 2 = 6 against (4 + 8) / 2 = 6
    ratio = restricted_mean_ratio(np.array([2.0, 10.0]), np.array([4.0, 8.0]))
    assert ratio.value == 1.0
    # the resamples are (2, 2) / (4, 4) = 1/2, 1, and (10, 10) / (8, 8) = 5/4
    assert ratio.low == 0.5
    assert ratio.high == 1.25
    assert restricted_mean_ratio(np.array([1.0]), np.array([0.0])) is None

"""Intervals, computed by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from db.scoring.intervals import bootstrap_intervals, geometric_mean_ratio, mean_interval, mean_intervals
from db.scoring.samples import Samples

positive = st.floats(1e-3, 1e3)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return above / below


def _mean(mean: np.ndarray) -> np.ndarray:
    return mean


def _bootstrap(statistic, *samples: list[float], **how) -> tuple[float, float | None, float | None]:
    return bootstrap_intervals(statistic, *(np.array([sample], dtype=float) for sample in samples), **how).one(0)


def test_mean_interval_by_hand() -> None:
    # 1 2 3: mean 2, s = 1, t(2, 0.975) = 4.302653, half = 4.302653 * 1 / sqrt(3) = 2.484138
    assert mean_interval([1, 2, 3]) == pytest.approx((2.0, -0.484138, 4.484138), abs=1e-6)


def test_one_value_has_no_interval() -> None:
    assert mean_interval([0.7]) == (0.7, None, None)


def test_no_value_has_no_mean() -> None:
    with pytest.raises(ValueError, match="at least one number"):
        mean_interval([])


def test_geometric_mean_ratio_by_hand() -> None:
    # ratios 1/2, 1/8: logarithms -0.6931, -2.0794, mean log 1/4; s = 0.9803, half = 12.7062 * 0.9803 / sqrt(2) = 8.8073
    value, low, high = geometric_mean_ratio([1, 1], [2, 8])
    assert value == pytest.approx(0.25)
    assert low == pytest.approx(0.25 * math.exp(-8.80727), rel=1e-4)
    assert high == pytest.approx(0.25 * math.exp(8.80727), rel=1e-4)


def test_a_reference_of_zero_never_divides() -> None:
    assert geometric_mean_ratio([1.0], [0.0]) is None
    assert geometric_mean_ratio([1.0, 3.0], [0.0, 6.0]) == (pytest.approx(0.5), None, None)
    assert geometric_mean_ratio([], []) is None


@given(st.lists(st.tuples(positive, positive), min_size=2, max_size=12))
def test_the_inverse_ratio_has_the_inverse_interval(pairs: list[tuple[float, float]]) -> None:
    above, below = zip(*pairs, strict=True)
    value, low, high = geometric_mean_ratio(above, below)
    inverse = geometric_mean_ratio(below, above)
    assert (1 / value, 1 / high, 1 / low) == pytest.approx(tuple(inverse), rel=1e-6)


@given(st.lists(positive, min_size=2, max_size=12))
def test_ratio_to_itself_is_one(values: list[float]) -> None:
    assert geometric_mean_ratio(values, values) == (1.0, 1.0, 1.0)


def test_means_of_many_samples_are_those_of_each() -> None:
    samples = Samples(np.array([0.7, 1.0, 2.0, 3.0, 4.0, 6.0]), np.array([1, 0, 3, 2]))
    found = mean_intervals(samples)
    assert found.one(0) == (0.7, None, None)
    assert found.one(1) is None
    assert found.one(2) == mean_interval([1, 2, 3])
    assert found.one(3) == mean_interval([4, 6])


def test_bootstrap_of_equal_ratios_has_no_width() -> None:
    assert _bootstrap(_ratio, [1, 2, 3], [2, 4, 6]) == pytest.approx((0.5, 0.5, 0.5))


def test_percentile_bootstrap_of_two_values_by_hand() -> None:
    # resamples of (0, 1) have means 0, 1/2, 1 with chances 1/4, 1/2, 1/4, so 95 % reach from 0 to 1, 40 % stay at 1/2
    assert _bootstrap(_mean, [0, 1], bias_corrected=False) == (0.5, 0.0, 1.0)
    assert _bootstrap(_mean, [0, 1], bias_corrected=False, confidence=0.4) == (0.5, 0.5, 0.5)


def test_bias_correction_agrees_with_scipy() -> None:
    sample = np.random.default_rng(3).exponential(size=30)
    ours = bootstrap_intervals(_mean, sample[None]).one(0)
    theirs = stats.bootstrap((sample,), np.mean, n_resamples=20_000, method="BCa", rng=1).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_bootstrap_is_the_same_whatever_else_is_resampled() -> None:
    samples = np.random.default_rng(4).exponential(size=(40, 7))
    together = bootstrap_intervals(_mean, samples, resamples=200)
    for owner in (0, 17, 39):
        assert together.one(owner) == bootstrap_intervals(_mean, samples[[owner]], resamples=200).one(0)


def test_one_value_cannot_be_resampled() -> None:
    assert _bootstrap(_mean, [3.0]) == (3.0, None, None)


def test_samples_of_different_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        bootstrap_intervals(_ratio, np.ones((1, 2)), np.ones((1, 3)))

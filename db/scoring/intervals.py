"""Confidence intervals of means and ratios."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.scoring.student import t_quantile

Statistic = Callable[..., NDArray[np.float64]]


class Interval(NamedTuple):
    """A figure with its interval; the ends are None where one value gives no spread."""

    value: float
    low: float | None
    high: float | None


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean of `values` (n,) with Student's t interval, `mean +- t(n - 1) * s / sqrt(n)`.

    Raises:
        ValueError: there are no values.
    """
    sample = _sample(values)
    mean = float(sample.mean())
    if len(sample) < 2:
        return Interval(mean, None, None)
    half = t_quantile(len(sample) - 1, 0.5 + confidence / 2) * sample.std(ddof=1) / math.sqrt(len(sample))
    return Interval(mean, float(mean - half), float(mean + half))


def geometric_mean_ratio(candidate: ArrayLike, reference: ArrayLike, confidence: float = 0.95) -> Interval | None:
    """Geometric mean of the paired ratios candidate / reference (n,), with the t interval of their
    logarithms.

    A pair in which either value is not a positive finite number has no ratio and is left out; None when none
    is left.

    Raises:
        ValueError: the two are not of one length.
    """
    above, below = np.asarray(candidate, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if above.shape != below.shape:
        raise ValueError(f"paired ratios need two samples of one length, got {above.shape} and {below.shape}")
    usable = np.isfinite(above) & np.isfinite(below) & (above > 0) & (below > 0)
    if not usable.any():
        return None
    logarithms = mean_interval(np.log(above[usable]) - np.log(below[usable]), confidence)
    return Interval(*(None if end is None else math.exp(end) for end in logarithms))  # type: ignore[arg-type]


def bootstrap_interval(
    statistic: Statistic,
    *samples: ArrayLike,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
    bias_corrected: bool = True,
) -> Interval:
    """Bootstrap interval of a statistic of paired samples, each (n,), resampled together.

    `statistic` gets one array (m, n) a sample and returns (m,). The interval is bias-corrected and
    accelerated (Efron 1987), or of plain percentiles when asked for or when the correction does not exist
    (all resamples on one side of the figure). The seed is fixed, so that a figure on the board is the same
    each time it is computed.

    Raises:
        ValueError: there are no values, or the samples are not of one length.
    """
    arrays = [_sample(sample) for sample in samples]
    count = len(arrays[0])
    if any(len(array) != count for array in arrays):
        raise ValueError(f"paired samples need one length, got {[len(array) for array in arrays]}")
    value = float(statistic(*(array[None] for array in arrays))[0])
    if count < 2:
        return Interval(value, None, None)
    drawn = _resampled_indices(count, resamples, seed)
    replicates = np.sort(statistic(*(array[drawn] for array in arrays)))
    tail = (1 - confidence) / 2
    levels = np.array([tail, 1 - tail])
    if bias_corrected:
        levels = _corrected_levels(levels, value, replicates, _jackknife(statistic, arrays))
    low, high = np.quantile(replicates, levels)
    return Interval(value, float(low), float(high))


def _corrected_levels(
    levels: NDArray[np.float64], value: float, replicates: NDArray[np.float64], jackknife: NDArray[np.float64]
) -> NDArray[np.float64]:
    # ties count half, or a discrete statistic would look biased
    share = float((replicates < value).mean() + (replicates == value).mean() / 2)
    deviations = jackknife.mean() - jackknife
    spread = float((deviations**2).sum())
    if not 0 < share < 1 or spread == 0:
        return levels
    normal = NormalDist()
    bias = normal.inv_cdf(share)
    acceleration = (deviations**3).sum() / (6 * spread**1.5)
    shifts = [bias + normal.inv_cdf(level) for level in levels]
    return np.array([normal.cdf(bias + shift / (1 - acceleration * shift)) for shift in shifts])


def _jackknife(statistic: Statistic, arrays: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    count = len(arrays[0])
    others = np.array([[column for column in range(count) if column != row] for row in range(count)])
    return statistic(*(array[others] for array in arrays))


@lru_cache(maxsize=64)
def _resampled_indices(count: int, resamples: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, count, size=(resamples, count))


def _sample(values: ArrayLike) -> NDArray[np.float64]:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) == 0:
        raise ValueError(f"a sample is a row of at least one number, got the shape {sample.shape}")
    return sample

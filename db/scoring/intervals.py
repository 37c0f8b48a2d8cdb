"""Confidence intervals of means and ratios: of one sample, and of many at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.scoring.samples import Samples
from db.scoring.student import t_quantile

Statistic = Callable[..., NDArray[np.float64]]

# so that the resamples of a chunk stay in the processor's cache
_CHUNK = 16


class Interval(NamedTuple):
    """A figure with its interval; the ends are None where one value gives no spread."""

    value: float
    low: float | None
    high: float | None


class Intervals(NamedTuple):
    """Figures (owners,) with their intervals; NaN where there is none."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def missing(cls, owners: int) -> Intervals:
        """None of them can be had."""
        return cls(*(np.full(owners, np.nan) for _ in cls._fields))

    def put(self, owners: NDArray[np.int64] | NDArray[np.bool_], found: tuple[ArrayLike, ArrayLike, ArrayLike]) -> None:
        """Set the figures of these owners."""
        for column, values in zip(self, found, strict=True):
            column[owners] = values

    def one(self, owner: int) -> Interval | None:
        """The figure of one owner."""
        value, low, high = (None if np.isnan(column[owner]) else float(column[owner]) for column in self)
        return None if value is None else Interval(value, low, high)


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean of `values` (n,) with Student's t interval, `mean +- t(n - 1) * s / sqrt(n)`.

    Raises:
        ValueError: there are no values.
    """
    sample = _sample(values)
    mean = float(sample.mean())
    half = _half_width(sample, confidence)
    return Interval(mean, None, None) if np.isnan(half) else Interval(mean, mean - float(half), mean + float(half))


def mean_intervals(samples: Samples, confidence: float = 0.95) -> Intervals:
    """Means of samples with Student's t intervals, see `mean_interval`."""
    found = Intervals.missing(len(samples.counts))
    for owners, matrix in samples.by_size():
        mean, half = matrix.mean(axis=1), _half_width(matrix, confidence)
        found.put(owners, (mean, mean - half, mean + half))
    return found


def _half_width(samples: NDArray[np.float64], confidence: float) -> NDArray[np.float64]:
    """Of the t intervals of samples (..., n); NaN where there is no spread."""
    size = samples.shape[-1]
    if size < 2:
        return np.full(samples.shape[:-1], np.nan)
    return t_quantile(size - 1, 0.5 + confidence / 2) * samples.std(axis=-1, ddof=1) / math.sqrt(size)


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


def bootstrap_intervals(
    statistic: Statistic,
    *samples: NDArray[np.float64],
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
    bias_corrected: bool = True,
) -> Intervals:
    """Bootstrap intervals of a function of the means of paired samples, each (owners, n), resampled together.

    `statistic` gets the means (owners, r) of each sample and returns (owners, r). The interval is bias-corrected and
    accelerated (Efron 1987), or of plain percentiles when asked for or where the correction does not exist (all
    resamples on one side of the figure). The seed is fixed, so that a figure on the board is the same each time it is
    computed, whatever else is computed with it.

    Raises:
        ValueError: there are no values, or the samples are not of one shape.
    """
    shape = samples[0].shape
    if len(shape) != 2 or shape[1] == 0 or any(sample.shape != shape for sample in samples):
        raise ValueError(f"paired samples need one shape (owners, n), got {[sample.shape for sample in samples]}")
    owners, size = shape
    found = Intervals.missing(owners)
    drawn = resample_weights(size, resamples, seed)
    tail = (1 - confidence) / 2
    for start in range(0, owners, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        own = [sample[chunk] for sample in samples]
        value = statistic(*(_weighted_means(sample, np.ones((size, 1))) for sample in own))[:, 0]
        found.value[chunk] = value
        if size < 2:
            continue
        replicates = np.sort(statistic(*(_weighted_means(sample, drawn) for sample in own)), axis=1)
        levels = np.tile([tail, 1 - tail], (len(value), 1))
        if bias_corrected:
            without_one = statistic(*(_weighted_means(sample, 1.0 - np.eye(size)) for sample in own))
            levels = _corrected_levels(levels, value, replicates, without_one)
        found.low[chunk], found.high[chunk] = _quantiles(replicates, levels).T
    return found


def _weighted_means(sample: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means (owners, r) of samples (owners, n) under weights (n, r).

    By hand, because a product of matrices rounds differently for another number of owners.
    """
    total = sample[:, :1] * weights[0]
    term = np.empty_like(total)
    for index in range(1, sample.shape[1]):
        total += np.multiply(sample[:, index : index + 1], weights[index], out=term)
    return total / weights.sum(axis=0)


def _corrected_levels(
    levels: NDArray[np.float64],
    value: NDArray[np.float64],
    replicates: NDArray[np.float64],
    without_one: NDArray[np.float64],
) -> NDArray[np.float64]:
    # ties count half, or a discrete statistic would look biased
    ties = (replicates == value[:, None]).mean(axis=1)
    share = (replicates < value[:, None]).mean(axis=1) + ties / 2
    deviations = without_one.mean(axis=1, keepdims=True) - without_one
    spread = (deviations**2).sum(axis=1)
    normal = NormalDist()
    for owner in np.flatnonzero((share > 0) & (share < 1) & (spread > 0)):
        bias = normal.inv_cdf(share[owner])
        acceleration = (deviations[owner] ** 3).sum() / (6 * spread[owner] ** 1.5)
        shifts = [bias + normal.inv_cdf(level) for level in levels[owner]]
        levels[owner] = [normal.cdf(bias + shift / (1 - acceleration * shift)) for shift in shifts]
    return levels


def _quantiles(ordered: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles (owners, k) of rows (owners, r) in order, at levels (owners, k), interpolated linearly."""
    place = levels * (ordered.shape[1] - 1)
    below = np.clip(np.floor(place).astype(np.int64), 0, ordered.shape[1] - 2)
    low, high = (np.take_along_axis(ordered, below + step, axis=1) for step in (0, 1))
    return low + (high - low) * (place - below)


@lru_cache(maxsize=8)
def resample_weights(size: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each of `size` values is drawn in each resample; shape (size, resamples)."""
    drawn = np.random.default_rng(seed).integers(0, size, size=(resamples, size))
    weights = np.zeros((size, resamples))
    np.add.at(weights, (drawn, np.arange(resamples)[:, None]), 1.0)
    return weights


def _sample(values: ArrayLike) -> NDArray[np.float64]:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) == 0:
        raise ValueError(f"a sample is a row of at least one number, got the shape {sample.shape}")
    return sample

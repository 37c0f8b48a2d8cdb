"""Levels of a nightly series: the exact piecewise-constant fit.

Optimal partitioning (Jackson et al. 2005) finds, among all ways to cut n nights into segments, the one with the least
sum of squared residuals plus a penalty a cut. It takes n^2 steps, a few milliseconds for a year of nights, so that the
pruning of PELT (Killick et al. 2012), which finds the same cuts, is not worth its lines.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHORTEST = 2
"""Nights that a level lasts at least, so that one odd night is no level of its own."""

LEAST_NOISE = 1e-4
"""Assumed where a series shows less, as peak memory does: a ten-thousandth is no change worth a mark."""

# 1 / the 0.75 quantile of the normal distribution, which makes a median absolute deviation a standard deviation
_MEDIAN_TO_DEVIATION = 1.482602218505602


class Segment(NamedTuple):
    """A run of nights with one level."""

    start: int
    """Index of its first measured night in the series."""
    stop: int
    """One past the index of its last measured night."""
    nights: int
    """Measured nights, those missing in between not counted."""
    level: float
    """Their mean."""


def noise_scale(values: ArrayLike) -> float:
    """Standard deviation of the noise of a series (n,) from the median size of its first differences.

    A change of level spoils one difference and an odd night two, which the median does not feel. The centre of the
    differences is known to be 0. Missing nights (NaN) are skipped.

    Raises:
        ValueError: fewer than two measured nights, or a value is infinite.
    """
    measured = _measured(values)[0]
    if len(measured) < 2:
        raise ValueError(f"the noise of a series shows in two measured nights at least, got {len(measured)}")
    return _MEDIAN_TO_DEVIATION * float(np.median(np.abs(np.diff(measured)))) / math.sqrt(2)


def fit_segments(
    values: ArrayLike, noise: float | None = None, penalty: float | None = None, shortest: int = SHORTEST
) -> list[Segment]:
    """The levels of a series (nights,), for a cost the logarithms of its ratios to the interleaved reference.

    Args:
        values: one a night in their order, NaN for a missing night. It separates nothing: the nights around it are
        neighbours.
        noise: standard deviation of a night; by default `noise_scale`, and `LEAST_NOISE` at least.
        penalty: of a cut, in squared deviations of the noise; by default 5 log n. The leading term of the modified
        BIC (Zhang and Siegmund 2007) is 3 log n for noise that is known; estimated from 25 nights it cuts one series in
        fourteen that has no change, 5 log n one in sixty.
        shortest: measured nights of a segment at least; a series that has fewer is one segment.

    Raises:
        ValueError: no night was measured, a value is infinite, or an argument is not positive.
    """
    measured, nights = _measured(values)
    count = len(measured)
    if count == 0:
        raise ValueError("a series without a measured night has no level")
    if shortest < 1 or (noise is not None and not noise > 0) or (penalty is not None and not penalty > 0):
        raise ValueError(
            f"noise, penalty and the shortest segment are positive, got {noise}, {penalty} and {shortest} nights"
        )
    if count < 2 * shortest:
        return _segments(measured, nights, [0])
    noise = max(noise_scale(measured), LEAST_NOISE) if noise is None else noise
    penalty = 5 * math.log(count) if penalty is None else penalty
    return _segments(measured, nights, _cuts(measured, penalty * noise**2, shortest))


def _cuts(measured: NDArray[np.float64], penalty: float, shortest: int) -> list[int]:
    count = len(measured)
    # centred, or the difference of two large sums of squares loses the digits that matter
    centred = measured - np.median(measured)
    sums = np.concatenate([[0.0], np.cumsum(centred)])
    squares = np.concatenate([[0.0], np.cumsum(centred**2)])
    positions = np.arange(count + 1)
    least = np.full(count + 1, np.inf)
    least[0] = -penalty
    last_start = np.zeros(count + 1, dtype=np.int64)
    for stop in range(shortest, count + 1):
        starts = slice(0, stop - shortest + 1)
        residuals = squares[stop] - squares[starts] - (sums[stop] - sums[starts]) ** 2 / (stop - positions[starts])
        totals = least[starts] + residuals
        # the first of equal totals: the longest last segment
        last_start[stop] = best = int(totals.argmin())
        least[stop] = totals[best] + penalty
    cuts = [int(last_start[count])]
    while cuts[-1] > 0:
        cuts.append(int(last_start[cuts[-1]]))
    return cuts[::-1]


def _segments(measured: NDArray[np.float64], nights: NDArray[np.int64], cuts: list[int]) -> list[Segment]:
    stops = [*cuts[1:], len(measured)]
    return [
        Segment(int(nights[start]), int(nights[stop - 1]) + 1, stop - start, float(measured[start:stop].mean()))
        for start, stop in zip(cuts, stops, strict=True)
    ]


def _measured(values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or np.isinf(series).any():
        raise ValueError(f"a series is a row of finite numbers with NaN for a missing night, got {series}")
    nights = np.flatnonzero(~np.isnan(series))
    return series[nights], nights

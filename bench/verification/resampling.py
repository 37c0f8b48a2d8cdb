"""Tests and intervals that resample, written out; the draws are part of what the board defines, so they are the same.

A bootstrap draws indices with numpy's default generator and seed 0. Means are sums in the order of the cells, so that
values which tie on the board tie here.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RATIO_RESAMPLES = 2_000
FRONT_RESAMPLES = 1_000
EXACT_UP_TO = 16
FLIPS = 20_000

Ends = tuple[float, float | None, float | None]


def sign_flips(differences: Sequence[float]) -> float | None:
    """Two-sided p-value: the share of sign patterns whose sum is at least as far from 0; None for fewer than two."""
    count = len(differences)
    if count < 2:
        return None
    if count <= EXACT_UP_TO:
        patterns = np.array(list(itertools.product((1.0, -1.0), repeat=count)))
    else:
        patterns = np.random.default_rng(0).choice([-1.0, 1.0], size=(FLIPS, count))
        patterns[0] = 1.0
    slack = 1e-12 * sum(abs(value) for value in differences)
    totals = [abs(sum(sign * value for sign, value in zip(row, differences, strict=True))) for row in patterns.tolist()]
    return sum(total >= abs(sum(differences)) - slack for total in totals) / len(totals)


def ratio_of_means(above: Sequence[float], below: Sequence[float]) -> Ends:
    """Mean over mean of paired values, with the bias-corrected and accelerated 95 % interval (Efron 1987)."""
    size = len(above)
    value = _ratio(above, below, [1.0] * size)
    if size < 2:
        return value, None, None
    replicates = sorted(_ratio(above, below, counts) for counts in _counts(size, RATIO_RESAMPLES).tolist())
    without_one = [_ratio(above, below, [float(index != left) for index in range(size)]) for left in range(size)]
    low, high = (_quantile(replicates, level) for level in _levels(value, replicates, without_one))
    return value, low, high


def front_probabilities(entrants: Sequence[Sequence[Sequence[float | None]]]) -> list[float | None]:
    """How often each entrant is on the front of means when cells are resampled for all together.

    Args:
        entrants: by entrant, by cell: metric (more is better), seconds and bytes (less is better), None where it was
            not measured. Who lacks the metric in all drawn cells takes no part; any other missing mean is the worst.
    """
    cells = len(entrants[0])
    counts = _counts(cells, FRONT_RESAMPLES)
    costs, takes_part = [], []
    for cell_values in entrants:
        axes = [_means([values[axis] for values in cell_values], counts) for axis in range(3)]
        takes_part.append(np.isfinite(axes[0]))
        costs.append([np.where(takes_part[-1], axis, np.inf) for axis in (-axes[0], axes[1], axes[2])])
    found: list[float | None] = []
    for own, plays, cell_values in zip(costs, takes_part, entrants, strict=True):
        beaten = np.zeros(FRONT_RESAMPLES, dtype=bool)
        for other in costs:
            no_worse = np.logical_and.reduce([mine >= theirs for mine, theirs in zip(own, other, strict=True)])
            better = np.logical_or.reduce([mine > theirs for mine, theirs in zip(own, other, strict=True)])
            beaten |= no_worse & better
        measured = sum(values[0] is not None for values in cell_values)
        told = measured >= 2 and plays.any()
        found.append(float((plays & ~beaten).sum() / plays.sum()) if told else None)
    return found


def _means(values: Sequence[float | None], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the known values under the counts of each resample; infinite where none was drawn."""
    total, drawn = np.zeros(len(counts)), np.zeros(len(counts))
    for cell, value in enumerate(values):
        if value is not None:
            total += value * counts[:, cell]
            drawn += counts[:, cell]
    return np.divide(total, drawn, out=np.full(len(counts), np.inf), where=drawn > 0)


def _counts(size: int, resamples: int) -> NDArray[np.float64]:
    drawn = np.random.default_rng(0).integers(0, size, size=(resamples, size))
    return np.array([np.bincount(row, minlength=size) for row in drawn], dtype=np.float64)


def _ratio(above: Sequence[float], below: Sequence[float], counts: Sequence[float]) -> float:
    means = []
    for sample in (above, below):
        total = sample[0] * counts[0]
        for value, count in zip(sample[1:], counts[1:], strict=True):
            total += value * count
        means.append(total / sum(counts))
    return means[0] / means[1]


def _levels(value: float, replicates: Sequence[float], without_one: Sequence[float]) -> list[float]:
    below = sum(replicate < value for replicate in replicates) / len(replicates)
    share = below + sum(replicate == value for replicate in replicates) / len(replicates) / 2
    middle = statistics.fmean(without_one)
    deviations = [middle - each for each in without_one]
    spread = sum(each**2 for each in deviations)
    if not 0 < share < 1 or spread == 0:
        return [0.025, 0.975]
    normal = statistics.NormalDist()
    bias = normal.inv_cdf(share)
    acceleration = sum(each**3 for each in deviations) / (6 * spread**1.5)
    shifts = [bias + normal.inv_cdf(level) for level in (0.025, 0.975)]
    return [normal.cdf(bias + shift / (1 - acceleration * shift)) for shift in shifts]


def _quantile(ordered: Sequence[float], level: float) -> float:
    place = level * (len(ordered) - 1)
    below = min(int(place), len(ordered) - 2)
    return ordered[below] + (place - below) * (ordered[below + 1] - ordered[below])

"""Pareto fronts on any axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.scoring.intervals import resample_weights


def pareto_front(
    points: ArrayLike, maximize: Sequence[bool], epsilon: Sequence[float] | None = None
) -> NDArray[np.bool_]:
    """Which of `points` (n, axes) no other point dominates.

    A point dominates another when it is at least as good on every axis and better on one. With `epsilon` (one
    number an axis, 0 by default) it must be better on some axis by more than epsilon, so that noise removes
    nobody. NaN is the worst value.

    Raises:
        ValueError: the number of axes differs.
    """
    cost = _as_cost(points, maximize)
    slack = np.zeros(cost.shape[1]) if epsilon is None else np.asarray(epsilon, dtype=np.float64)
    if slack.shape != (cost.shape[1],):
        raise ValueError(f"epsilon needs one number for each of {cost.shape[1]} axes, got {slack.shape}")
    return np.array([not _is_dominated(point, cost, slack) for point in cost], dtype=bool)


def front_probability(
    figures: NDArray[np.float64], maximize: Sequence[bool], resamples: int = 1_000, seed: int = 0
) -> NDArray[np.float64]:
    """How often each entrant is on the front of means (entrants,), when the cells are resampled.

    The bootstrap is paired: a resample draws the same cells for all entrants, and an entrant that has none of them
    takes no part in it. An entrant with fewer than two cells shows no spread and gets NaN, but stands against others.

    Args:
        figures: (entrants, cells, axes), where a cell is a split and seed; NaN where an entrant was not measured. An
            entrant has the cells in which it has the first axis; a mean that is missing on another axis is the worst.
    """
    known = ~np.isnan(figures)
    weights = resample_weights(figures.shape[1], resamples, seed) if figures.shape[1] else np.zeros((0, resamples))
    # counts are whole numbers, which a product of matrices does not round
    drawn = known.transpose(2, 0, 1).astype(np.float64) @ weights
    totals, term = np.zeros_like(drawn), np.empty_like(drawn)
    for values, weight in zip(np.where(known, figures, 0.0).transpose(1, 2, 0), weights, strict=True):
        totals += np.multiply(values[:, :, None], weight, out=term)
    signs = np.where(maximize, -1.0, 1.0)[:, None, None]
    costs = np.divide(signs * totals, drawn, out=np.full_like(totals, np.inf), where=drawn > 0)
    takes_part = drawn[0] > 0
    costs[:, ~takes_part] = np.inf
    parts = takes_part.sum(axis=1)
    told = (known[:, :, 0].sum(axis=1) >= 2) & (parts > 0)
    stands = (~_dominated(costs) & takes_part).sum(axis=1)
    return np.divide(stands, parts, out=np.full(len(figures), np.nan), where=told)


def _dominated(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which entrant is dominated in which resample (entrants, resamples), from costs (axes, entrants, resamples)."""
    dominated = np.zeros(costs.shape[1:], dtype=bool)
    # the strongest first: whoever is always dominated itself dominates nobody whom its own dominators leave
    places = costs.mean(axis=2).argsort(axis=1).argsort(axis=1)
    for entrant in np.argsort(places.sum(axis=0)):
        if dominated[entrant].all():
            continue
        no_worse, better = np.ones_like(dominated), np.zeros_like(dominated)
        for axis in costs:
            no_worse &= axis[entrant] <= axis
            better |= axis[entrant] < axis
        dominated |= no_worse & better
    return dominated


def _as_cost(points: ArrayLike, maximize: Sequence[bool]) -> NDArray[np.float64]:
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(maximize):
        raise ValueError(f"points need the shape (n, {len(maximize)}), got {values.shape}")
    cost = np.where(maximize, -values, values)
    return np.where(np.isnan(cost), np.inf, cost)


def _is_dominated(point: NDArray[np.float64], cost: NDArray[np.float64], slack: NDArray[np.float64]) -> bool:
    no_worse = (cost <= point).all(axis=1)
    better = (cost < point - slack).any(axis=1)
    return bool((no_worse & better).any())

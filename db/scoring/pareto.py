"""Pareto fronts on any axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


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


def membership_probability(
    samples: Sequence[ArrayLike], maximize: Sequence[bool], resamples: int = 1_000, seed: int = 0
) -> NDArray[np.float64]:
    """How often each entrant is on the front of means (entrants,), when the rows of its sample (n_i.

    Axes) are resampled.
    """
    random = np.random.default_rng(seed)
    arrays = [np.asarray(sample, dtype=np.float64) for sample in samples]
    means = np.stack(
        [array[random.integers(0, len(array), size=(resamples, len(array)))].mean(axis=1) for array in arrays]
    )
    return np.mean([pareto_front(means[:, draw], maximize) for draw in range(resamples)], axis=0)


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

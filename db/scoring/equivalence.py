"""Equivalence: the claim "same accuracy" needs a test of its own.

Since a large p-value of a difference proves nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.scoring.samples import Samples
from db.scoring.student import t_cdf

MARGIN = 0.005
"""Half a percentage point, the declared margin of the board."""

SIGNIFICANCE = 0.05
"""The p-value below which equivalence is claimed."""


def equivalence_test(differences: ArrayLike, margin: float = MARGIN) -> float | None:
    """p-value of two one-sided t tests (TOST, Schuirmann 1987) that the mean of `differences` (n,) lies
    within +- margin.

    Small values speak for equivalence. None for fewer than 2 differences.

    Raises:
        ValueError: the margin is not positive.
    """
    sample = np.asarray(differences, dtype=np.float64)
    p_value = float(equivalence_tests(Samples(sample, np.array([len(sample)])), margin)[0])
    return None if math.isnan(p_value) else p_value


def equivalence_tests(differences: Samples, margin: float = MARGIN) -> NDArray[np.float64]:
    """The p-values (owners,) of `equivalence_test` for many samples; NaN for those of fewer than 2.

    Raises:
        ValueError: the margin is not positive.
    """
    if not margin > 0:
        raise ValueError(f"an equivalence margin is positive, got {margin}")
    p_values = np.full(len(differences.counts), np.nan)
    for owners, matrix in differences.by_size():
        size = matrix.shape[1]
        if size < 2:
            continue
        distance = np.abs(matrix.mean(axis=1)) - margin
        error = np.where(np.ptp(matrix, axis=1) == 0, 0.0, matrix.std(axis=1, ddof=1) / math.sqrt(size))
        # without spread the mean is what it is
        statistics = np.divide(distance, error, out=np.where(distance < 0, -np.inf, np.inf), where=error > 0)
        p_values[owners] = [t_cdf(size - 1, statistic) for statistic in statistics.tolist()]
    return p_values


def is_equivalent(differences: ArrayLike, margin: float = MARGIN, significance: float = SIGNIFICANCE) -> bool | None:
    """Whether the test claims equivalence at this significance; None for fewer than 2 differences."""
    p_value = equivalence_test(differences, margin)
    return None if p_value is None else p_value < significance

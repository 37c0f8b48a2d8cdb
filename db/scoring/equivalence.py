"""Equivalence: the claim "same accuracy" needs a test of its own.

Since a large p-value of a difference proves nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from db.scoring.student import t_cdf

MARGIN = 0.005
"""Half a percentage point, the declared margin of the board."""


def equivalence_test(differences: ArrayLike, margin: float = MARGIN) -> float | None:
    """p-value of two one-sided t tests (TOST, Schuirmann 1987) that the mean of `differences` (n,) lies
    within +- margin.

    Small values speak for equivalence. None for fewer than 2 differences.

    Raises:
        ValueError: the margin is not positive.
    """
    if not margin > 0:
        raise ValueError(f"an equivalence margin is positive, got {margin}")
    sample = np.asarray(differences, dtype=np.float64)
    if len(sample) < 2:
        return None
    mean = float(sample.mean())
    if np.ptp(sample) == 0:
        return 0.0 if abs(mean) < margin else 1.0
    error = float(sample.std(ddof=1)) / math.sqrt(len(sample))
    return float(t_cdf(len(sample) - 1, (abs(mean) - margin) / error))


def is_equivalent(differences: ArrayLike, margin: float = MARGIN, significance: float = 0.05) -> bool | None:
    """Whether the test claims equivalence at this significance; None for fewer than 2 differences."""
    p_value = equivalence_test(differences, margin)
    return None if p_value is None else p_value < significance

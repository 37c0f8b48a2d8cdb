"""The chi-square distribution of whole degrees of freedom, for the reason given in `db.scoring.student`."""

from __future__ import annotations

import math


def chi_square_survival(degrees: int, x: float) -> float:
    """P(X >= x), by the finite series (Abramowitz and Stegun, 26.4.4 and 26.4.5).

    Raises:
        ValueError: fewer than one degree of freedom.
    """
    if degrees < 1:
        raise ValueError(f"chi-square has at least one degree of freedom, got {degrees}")
    half, odd = x / 2, degrees % 2
    if half <= 0:
        return 1.0
    # the terms are half^j / Gamma(j + 1) for j = 0, 1, ... or 1/2, 3/2, ..., in logarithms because they overflow
    powers = [j + odd / 2 for j in range((degrees - odd) // 2)]
    series = sum(math.exp(power * math.log(half) - math.lgamma(power + 1) - half) for power in powers)
    return min(1.0, series + (math.erfc(math.sqrt(half)) if odd else 0.0))

"""Student's t distribution of whole degrees of freedom.

Written here because importing scipy.special takes a third of a second, a quarter of what
`leangnn board` may take to start.
"""

from __future__ import annotations

import math
from functools import lru_cache

_HALVINGS = 200


def t_cdf(degrees: int, t: float) -> float:
    """P(T <= t).

    By the finite series in the angle `atan(t / sqrt(degrees))` (Abramowitz and Stegun, 26.7.3 and 26.7.4).
    Accurate to 1e-14 absolutely, so that a p-value below that reads as 0.

    Raises:
        ValueError: fewer than one degree of freedom.
    """
    if degrees < 1:
        raise ValueError(f"Student's t has at least one degree of freedom, got {degrees}")
    angle = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = 0.0 if degrees == 1 else term
    for k in range(2 + odd, degrees - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return min(1.0, max(0.0, (1 + inside) / 2))


@lru_cache(maxsize=256)
def t_quantile(degrees: int, probability: float) -> float:
    """The t with P(T <= t) = probability.

    Raises:
        ValueError: the probability is not between 0 and 1.
    """
    if not 0 < probability < 1:
        raise ValueError(f"a quantile needs a probability between 0 and 1, got {probability}")
    if probability < 0.5:
        return -t_quantile(degrees, 1 - probability)
    low, high = 0.0, 1.0
    while t_cdf(degrees, high) < probability:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_cdf(degrees, middle) < probability else (low, middle)
    return (low + high) / 2

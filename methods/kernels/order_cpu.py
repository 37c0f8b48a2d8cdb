"""A stable counting sort, for matrices whose transpose is needed once and soon thrown away."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, boundscheck=False)
def order_by_value(values, count):
    """Positions that sort `values` (integers in [0, count)) stably, [entries] int64."""
    next_place = np.zeros(count + 1, dtype=np.int64)
    for value in values:
        next_place[value + 1] += 1
    for value in range(count):
        next_place[value + 1] += next_place[value]
    order = np.empty(values.size, dtype=np.int64)
    for position in range(values.size):
        value = values[position]
        order[next_place[value]] = position
        next_place[value] += 1
    return order

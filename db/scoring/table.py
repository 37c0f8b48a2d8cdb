"""One figure a (method, dataset): how a failed and a missing one are written.

NaN says that the method was not run on the dataset. An infinite figure, of either sign, says that it was and did not
get there: it crashed, ran out of memory or time, or missed the target. Failed is the worst there is, and two methods
that failed are equal; missing says nothing about the method.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cost_table(figures: ArrayLike, maximize: bool = False) -> NDArray[np.float64]:
    """Figures (methods, datasets) in any unit as costs (methods, datasets): lower is better, failed is +inf, missing
    is NaN.

    Raises:
        ValueError: there is no method or no dataset.
    """
    table = np.array(figures, dtype=np.float64)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"figures need the shape (methods, datasets) with one of each at least, got {table.shape}")
    failed = np.isinf(table)
    costs = -table if maximize else table
    costs[failed] = np.inf
    return costs


def ratio_table(ratios: ArrayLike) -> NDArray[np.float64]:
    """Positive costs or ratios (methods, datasets), checked: failed is +inf, missing is NaN.

    Raises:
        ValueError: there is no method or no dataset, or a figure is not positive.
    """
    table = np.array(ratios, dtype=np.float64)
    if (table <= 0).any():
        raise ValueError(f"a ratio or a cost is a positive number, got {float(table[table <= 0][0])}")
    return cost_table(table)

"""Who beats whom, on how many datasets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.scoring.table import cost_table


@dataclass(frozen=True, eq=False)
class WinTable:
    """Counts (methods, methods) of datasets, the method of the row against that of the column.

    A dataset on which one of the two was not run counts nowhere.
    """

    wins: NDArray[np.int64]
    ties: NDArray[np.int64]
    """0 on the diagonal, as nobody plays against itself."""

    @property
    def losses(self) -> NDArray[np.int64]:
        """(methods, methods), the wins seen from the other side."""
        return self.wins.T


def win_table(figures: ArrayLike, margin: float, maximize: bool = False) -> WinTable:
    """Compare the methods of `figures` (methods, datasets), see `db.scoring.table` for failed and missing ones.

    Args:
        margin: difference in the unit of the figures up to which two are tied: for a metric `MARGIN` of
        `db.scoring.equivalence`, for costs, which come as logarithms of ratios, for example `log(1.05)`.

    Raises:
        ValueError: there is no method or no dataset, or the margin is negative or no number.
    """
    if not 0 <= margin < np.inf:
        raise ValueError(f"a margin is a number from 0 on, got {margin}")
    costs = cost_table(figures, maximize)
    row, column = costs[:, None], costs[None]
    wins = (row < column - margin).sum(axis=2)
    compared = (~np.isnan(row) & ~np.isnan(column)).sum(axis=2)
    ties = compared - wins - wins.T
    np.fill_diagonal(ties, 0)
    return WinTable(wins, ties)

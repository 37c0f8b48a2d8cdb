"""Many samples of different sizes at once, so that those of one size are worked on as a matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Samples:
    """One sample an owner; `values` (total,) has them behind one another and `counts` (owners,) how long each is."""

    values: NDArray[np.float64]
    counts: NDArray[np.int64]

    def by_size(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """The owners (m,) of each size n from 1 on, with their samples (m, n)."""
        starts = np.cumsum(self.counts) - self.counts
        for size in np.unique(self.counts[self.counts > 0]):
            owners = np.flatnonzero(self.counts == size)
            yield owners, self.values[starts[owners][:, None] + np.arange(size)]

    def per_owner(self) -> Iterator[NDArray[np.float64]]:
        """Each owner's sample (n,), in their order."""
        ends = np.cumsum(self.counts)
        for start, end in zip((ends - self.counts).tolist(), ends.tolist(), strict=True):
            yield self.values[start:end]


def cell_samples(
    owner: NDArray[np.int64], cell: NDArray[np.int64], values: NDArray[np.float64], owners: int
) -> Samples:
    """The mean value of each cell of each owner, by cell: repeats of one cell are not independent, so they count once.

    Args:
        owner, cell, values: (n,) in any order; a value that is NaN is left out.
        owners: how many there are, with values or without.
    """
    known = ~np.isnan(values)
    owner, cell, values = owner[known], cell[known], values[known]
    order = np.lexsort((cell, owner))
    owner, cell, values = owner[order], cell[order], values[order]
    is_first = np.append(True, (owner[1:] != owner[:-1]) | (cell[1:] != cell[:-1]))[: len(owner)]
    starts = np.flatnonzero(is_first)
    sizes = np.diff(np.append(starts, len(owner)))
    means = np.add.reduceat(values, starts) / sizes if len(starts) else values
    return Samples(means, np.bincount(owner[starts], minlength=owners))

"""Ranks over a chosen set of datasets.

A standing is made of a method's own ratios to the frozen reference and of nothing else, so that an entrant finds its
place between the others and reorders none of them. Ranks within a dataset, which Friedman's test needs, have no such
property, and neither have ratios to the best (Hekmati and Mirhajianmoghadam 2018, arXiv:1809.06270).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.scoring.intervals import Interval, geometric_mean_ratio
from db.scoring.table import ratio_table

_T = TypeVar("_T")


@dataclass(frozen=True)
class Standing:
    """One method over the chosen datasets."""

    ratio: Interval | None
    """Geometric mean of the ratios over the datasets with its 95 % t interval; None where one failed or is missing."""
    failures: int
    """Datasets on which the method failed."""
    missing: int
    """Datasets on which it was not run; one is enough to have no rank."""
    rank: int | None
    """1 is the best; equal methods share the better rank."""
    rank_low: int | None
    """The best and the worst rank when any one dataset is left out; None with a single dataset."""
    rank_high: int | None


def standings(ratios: ArrayLike) -> list[Standing]:
    """Standings of ratios (methods, datasets) to the reference, below 1 is cheaper, in the order of the methods.

    Methods that solved every dataset come by their geometric mean; after them the others, by the number of their
    failures alone, because means over different datasets cannot be compared.

    Raises:
        ValueError: there is no method or no dataset, or a ratio is not positive.
    """
    table = ratio_table(ratios)
    complete = [not np.isnan(row).any() for row in table]
    everywhere = _ranks(table, complete)
    without = [_ranks(np.delete(table, left_out, axis=1), complete) for left_out in _left_out(table)]
    return [
        Standing(
            ratio=_mean_ratio(row),
            failures=int(np.isinf(row).sum()),
            missing=int(np.isnan(row).sum()),
            rank=everywhere[method],
            rank_low=min(_known(ranks[method] for ranks in without), default=None),
            rank_high=max(_known(ranks[method] for ranks in without), default=None),
        )
        for method, row in enumerate(table)
    ]


def midranks(values: ArrayLike) -> NDArray[np.float64]:
    """Ranks of `values` (n, ...) along the first axis, 1 for the smallest; equal ones share the mean of their ranks.

    Raises:
        ValueError: a value is NaN.
    """
    array = np.asarray(values, dtype=np.float64)
    if np.isnan(array).any():
        raise ValueError("a value that is missing has no rank; leave it out")
    smaller = (array[None] < array[:, None]).sum(axis=1)
    equal = (array[None] == array[:, None]).sum(axis=1)
    return smaller + (equal + 1) / 2


def _ranks(table: NDArray[np.float64], complete: Sequence[bool]) -> list[int | None]:
    failures = np.isinf(table).sum(axis=1)
    means = np.where(failures, 0.0, np.log(table).mean(axis=1))
    keys = [key if whole else None for *key, whole in zip(failures.tolist(), means.tolist(), complete, strict=True)]
    field = sorted(_known(keys))
    return [None if key is None else 1 + bisect_left(field, key) for key in keys]


def _left_out(table: NDArray[np.float64]) -> range:
    datasets = table.shape[1]
    return range(datasets) if datasets > 1 else range(0)


def _mean_ratio(row: NDArray[np.float64]) -> Interval | None:
    return geometric_mean_ratio(row, np.ones_like(row)) if np.isfinite(row).all() else None


def _known(values: Iterable[_T | None]) -> list[_T]:
    return [value for value in values if value is not None]

"""Performance profiles (Dolan and More 2002): the share of datasets that a method solves within a factor.

The factor is over the cheapest method of each dataset, as in the paper, or over the frozen reference. The first depends
on who takes part, so that an entrant may move the curves of the others; the second does not, see
`db.scoring.ranks` for the reason to prefer it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.scoring.table import ratio_table

SCORED_UP_TO = 4.0
"""The largest factor that counts in a profile's score, as AlgoPerf has it (Dahl et al. 2023)."""


@dataclass(frozen=True, eq=False)
class Profile:
    """The curve of one method: from each factor up to the next one the share stays."""

    factor: NDArray[np.float64]
    """(points,) ascending; the first and the last are the same for all methods of a table."""
    share: NDArray[np.float64]
    """(points,) of the datasets, those with a ratio up to the factor."""
    solved: float
    """Share of the datasets with a finite ratio, what the curve ends at."""
    missing: int
    """Datasets on which the method was not run; they count as not solved."""


def ratios_to_best(costs: ArrayLike) -> NDArray[np.float64]:
    """Ratios (methods, datasets) to the smallest of the costs (methods, datasets) of each dataset.

    A dataset that nobody solved is failed by all.

    Raises:
        ValueError: there is no method or no dataset, or a cost is not positive.
    """
    table = ratio_table(costs)
    best = np.where(np.isnan(table), np.inf, table).min(axis=0)
    return table / np.where(np.isinf(best), 1.0, best)


def ratios_to_reference(costs: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Ratios (methods, datasets) of the costs (methods, datasets) to those of the reference (datasets,).

    Raises:
        ValueError: the shapes do not fit, a cost is not positive, or the reference has none on a dataset.
    """
    table, below = ratio_table(costs), np.asarray(reference, dtype=np.float64)
    if below.shape != table.shape[1:]:
        raise ValueError(f"the reference needs one cost for each of {table.shape[1]} datasets, got {below.shape}")
    if not (np.isfinite(below) & (below > 0)).all():
        raise ValueError(f"the reference has no positive cost on every dataset, got {below}; leave those datasets out")
    return table / below


def performance_profile(ratios: ArrayLike) -> list[Profile]:
    """The profiles of ratios (methods, datasets), one a method in their order.

    All curves reach from the smallest ratio of any method, or 1 where that is smaller, to the largest finite one. A
    failed or missing ratio is never reached.

    Raises:
        ValueError: there is no method or no dataset, or a ratio is not positive.
    """
    table = ratio_table(ratios)
    finite = table[np.isfinite(table)]
    ends = np.array([finite.min(initial=1.0), finite.max(initial=1.0)])
    return [_profile(row, ends) for row in table]


def profile_score(profile: Profile, up_to: float = SCORED_UP_TO) -> float:
    """Mean share between the factors 1 and `up_to`, from 0 to 1 (Dahl et al. 2023, AlgoPerf's benchmark score).

    Raises:
        ValueError: `up_to` is not above 1.
    """
    if not up_to > 1:
        raise ValueError(f"a profile is scored up to a factor above 1, got {up_to}")
    edges = np.clip(np.append(profile.factor, np.inf), 1.0, up_to)
    return float((np.diff(edges) * profile.share).sum() / (up_to - 1))


def _profile(ratios: NDArray[np.float64], ends: NDArray[np.float64]) -> Profile:
    solved = np.sort(ratios[np.isfinite(ratios)])
    factor = np.unique(np.concatenate([ends, solved]))
    share = np.searchsorted(solved, factor, side="right") / len(ratios)
    return Profile(factor, share, len(solved) / len(ratios), int(np.isnan(ratios).sum()))

"""The board over a chosen set of datasets: one row a method.

Ranks are computed anew for the set, from each method's own figures alone (see `db.scoring.ranks`), so that an entrant
reorders nobody. A method that was not run on one of the datasets has no rank, and none of its means pretends that it
was: every mean says over how many datasets it is taken.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.errors import StoreError
from db.records import Trust
from db.scoring.board import BoardRow
from db.scoring.intervals import Interval, bootstrap_intervals, geometric_mean_ratio, mean_interval
from db.scoring.ranks import Standing, midranks, standings
from db.scoring.trial_table import WEAKEST_FIRST

METRIC = "metric"
"""To rank by the test metric."""

RATIOS = ("time_ratio", "target_ratio", "memory_ratio", "energy_ratio", "inference_ratio", "size_ratio")
"""To rank by a ratio to the reference; also the fields of `BoardRow` and `AggregateRow`."""

_PARTS = ("method", "backbone", "strategy", "rescaler", "quantizer", "track", "reference")
# of the ranks of a few dozen datasets
_RESAMPLES = 2_000


@dataclass(frozen=True)
class AggregateRow:
    """One method over the chosen datasets. A figure that cannot be had is None.

    A ratio is the geometric mean over the datasets that have one, with the t interval of its logarithms over datasets;
    of several places of one dataset the geometric mean is taken first.
    """

    method: str
    backbone: str
    strategy: str
    rescaler: str | None
    quantizer: str | None
    track: str
    reference: str
    datasets: int
    """On how many of them it has a metric."""
    missing: tuple[str, ...]
    """Datasets on which it was not run, or on which the figure that ranks was not measured."""
    failed: tuple[str, ...]
    """Datasets on which it failed: no trial has a metric or, where time to target ranks, none reached the target."""
    rank: int | None
    """1 is the best, by the mean over the datasets of the figure that ranks; None where one dataset is missing."""
    rank_low: int | None
    """The best and the worst rank when any one dataset is left out; None with a single dataset."""
    rank_high: int | None
    mean_rank: float | None
    """Mean over the datasets of the rank within each, among the methods that have a rank, so that it hangs on who
    takes part. The ends are its 95 % bootstrap interval over datasets."""
    mean_rank_low: float | None
    mean_rank_high: float | None
    time_ratio: float | None
    time_ratio_low: float | None
    time_ratio_high: float | None
    memory_ratio: float | None
    memory_ratio_low: float | None
    memory_ratio_high: float | None
    target_ratio: float | None
    target_ratio_low: float | None
    target_ratio_high: float | None
    energy_ratio: float | None
    energy_ratio_low: float | None
    energy_ratio_high: float | None
    inference_ratio: float | None
    inference_ratio_low: float | None
    inference_ratio_high: float | None
    size_ratio: float | None
    size_ratio_low: float | None
    size_ratio_high: float | None
    difference: float | None
    """Mean over the datasets of the paired difference of the metric to the reference, with its 95 % t interval."""
    difference_low: float | None
    difference_high: float | None
    provisional: bool
    """Whether one of the rows behind it is."""
    trust: str
    """The weakest of the rows behind it."""


def aggregate(rows: Iterable[BoardRow], datasets: Sequence[str], by: str = METRIC) -> list[AggregateRow]:
    """The methods of `rows` over `datasets`, ranked ones first, then by name.

    Args:
        rows: of any datasets; those of other datasets are not looked at.
        datasets: the chosen set.
        by: `METRIC` or one of `RATIOS`, what ranks.

    Raises:
        StoreError: nothing ranks by that name.
    """
    if by != METRIC and by not in RATIOS:
        raise StoreError(f"methods cannot be ranked by '{by}'; use one of: {', '.join((METRIC, *RATIOS))}")
    chosen = list(dict.fromkeys(datasets))
    own: dict[str, dict[str, list[BoardRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.dataset in chosen:
            own[row.method][row.dataset].append(row)
    if not own:
        return []
    costs = np.array([[_cost(by_dataset.get(name, []), by) for name in chosen] for by_dataset in own.values()])
    means = _mean_ranks(costs)
    found = [
        _row(by_dataset, [name for name in chosen if name in by_dataset], line, chosen, standing, mean)
        for by_dataset, line, standing, mean in zip(own.values(), costs, standings(costs), means, strict=True)
    ]
    return sorted(found, key=lambda row: (row.rank is None, row.rank, row.method))


def _row(
    by_dataset: dict[str, list[BoardRow]],
    present: Sequence[str],
    costs: NDArray[np.float64],
    chosen: Sequence[str],
    standing: Standing,
    mean_rank: Interval | None,
) -> AggregateRow:
    behind = [row for name in present for row in by_dataset[name]]
    first = behind[0]
    differences = [
        fmean(known)
        for name in present
        if (known := [row.difference for row in by_dataset[name] if row.difference is not None])
    ]
    parts: dict[str, Any] = {name: getattr(first, name) for name in _PARTS}
    ratios = {name: _mean_ratio([by_dataset[each] for each in present], name) for name in RATIOS}
    spreads: dict[str, Any] = {end: figure for name in RATIOS for end, figure in _spread(name, ratios[name]).items()}
    spreads |= _spread("mean_rank", mean_rank)
    spreads |= _spread("difference", mean_interval(differences) if differences else None)
    return AggregateRow(
        **parts,
        **spreads,
        datasets=sum(any(row.mean is not None for row in by_dataset[name]) for name in present),
        missing=tuple(name for name, cost in zip(chosen, costs, strict=True) if np.isnan(cost)),
        failed=tuple(name for name, cost in zip(chosen, costs, strict=True) if np.isinf(cost)),
        rank=standing.rank,
        rank_low=standing.rank_low,
        rank_high=standing.rank_high,
        provisional=any(row.provisional for row in behind),
        trust=min((Trust(row.trust) for row in behind), key=WEAKEST_FIRST.index).value,
    )


def _cost(rows: Sequence[BoardRow], by: str) -> float:
    """What ranks on one dataset, as `db.scoring.ranks.standings` wants it: lower is better, failed is +inf."""
    if not rows:
        return np.nan
    if all(row.mean is None for row in rows):
        return np.inf
    if by == METRIC:
        # standings takes means of logarithms, so that this ranks by the mean of the metric
        return math.exp(-fmean(row.mean for row in rows if row.mean is not None))
    ratio = _dataset_ratio(rows, by)
    if ratio is None and by == "target_ratio" and all(row.success_rate == 0 for row in rows):
        return np.inf
    return np.nan if ratio is None else ratio


def _dataset_ratio(rows: Sequence[BoardRow], name: str) -> float | None:
    ratios = [ratio for row in rows if (ratio := getattr(row, name)) is not None]
    if len(ratios) < 2:
        return next(iter(ratios), None)
    return math.exp(fmean(map(math.log, ratios)))


def _mean_ratio(by_dataset: Sequence[Sequence[BoardRow]], name: str) -> Interval | None:
    ratios = [ratio for rows in by_dataset if (ratio := _dataset_ratio(rows, name)) is not None]
    return geometric_mean_ratio(ratios, np.ones(len(ratios)))


def _mean_ranks(costs: NDArray[np.float64]) -> list[Interval | None]:
    complete = ~np.isnan(costs).any(axis=1)
    found: list[Interval | None] = [None] * len(costs)
    if complete.any():
        means = bootstrap_intervals(lambda mean: mean, midranks(costs[complete]), resamples=_RESAMPLES)
        for owner, index in enumerate(np.flatnonzero(complete)):
            found[index] = means.one(owner)
    return found


def _spread(name: str, interval: Interval | None) -> dict[str, float | None]:
    value, low, high = interval or (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}

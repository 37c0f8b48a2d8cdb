"""Methods against their frozen references, each from the trials of both alone.

So that a third method cannot change a figure. All comparisons are worked on at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from db.scoring.censoring import Evaluations, restricted_mean_ratios, target_metric
from db.scoring.equivalence import MARGIN, SIGNIFICANCE, equivalence_tests
from db.scoring.intervals import Intervals, mean_intervals
from db.scoring.paired import PairRows, pair_rows, sign_flip_tests
from db.scoring.samples import Samples, cell_samples
from db.scoring.trial_table import TrialTable

# enough for two digits, and a board of 2000 rows stays under a second
_RESAMPLES = 2_000
_RATIOS = {
    "time_ratio": "scored_seconds",
    "memory_ratio": "peak_memory_bytes",
    "energy_ratio": "energy_joules",
    "inference_ratio": "inference_seconds",
    "size_ratio": "model_bytes",
}
"""Fields of `Comparisons` by the figure of a trial that they divide."""


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Figures as columns (owners,), NaN where one cannot be had; ratios are candidate / reference, below 1 is cheaper.

    An interval is that of the mean over (split, seed), of ratios that of the geometric mean.
    """

    time_ratio: Intervals
    """Of scored time."""
    memory_ratio: Intervals
    """Of peak memory."""
    energy_ratio: Intervals
    inference_ratio: Intervals
    """Of the seconds of one prediction on the whole graph."""
    size_ratio: Intervals
    """Of the bytes of the model that predicts."""
    target_ratio: Intervals
    """Of restricted mean times to target; missing when no trial of one side reached it."""
    target: NDArray[np.float64]
    """The validation metric to reach, see `db.scoring.censoring`."""
    success_rate: NDArray[np.float64]
    """Share of the candidate's trials that reached the target."""
    difference: Intervals
    """Mean paired difference of the test metric, candidate - reference."""
    p_value: NDArray[np.float64]
    """Of the difference, by exact sign flips, not yet adjusted for several candidates."""
    equivalent: NDArray[np.float64]
    """Whether the test of equivalence claims the same metric: 1 where it does, 0 where it does not."""
    paired: NDArray[np.int64]
    """How many (split, seed) have a pair with two metrics, and so are behind all figures but those of the target."""
    interleaved: NDArray[np.float64]
    """1 where both sides of every such pair ran in one session, so that the machine was the same to both; else 0."""


@dataclass(frozen=True, eq=False)
class Sides:
    """What stands beside what, as rows of a table."""

    table: TrialTable
    owners: int
    """How many comparisons there are."""
    owner: NDArray[np.int64]
    """(rows,) the comparison that a trial is a candidate of; -1 for none."""
    measured: PairRows
    """Pairs in which both sides have a metric."""
    counted: PairRows
    """Pairs of which no side was interrupted."""
    itself: NDArray[np.bool_]
    """(owners,) those that are the reference, paired with itself."""


def beside(table: TrialTable, reference: NDArray[np.int64]) -> Sides:
    """The newest trials of each group, one owner, beside those of its reference (groups,), -1 for none.

    An older trial is no candidate, but the one that a candidate ran interleaved with.
    """
    owner = np.full(len(table.group), -1)
    newest = table.newest()
    owner[newest] = table.group[newest]
    return Sides(
        table,
        owners=len(table.groups),
        owner=owner,
        measured=pair_rows(table, owner, reference, table.has_metric),
        counted=pair_rows(table, owner, reference, table.is_counted),
        itself=reference == np.arange(len(table.groups)),
    )


def ran_alone(table: TrialTable, reference: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of candidates whose reference (groups,) has trials, but none of their session in this table."""
    sides = beside(table, reference)
    is_settled = sides.itself[sides.owner] | (sides.owner < 0) | ~table.is_counted
    is_settled |= (reference < 0)[sides.owner]
    for pairs, settles in ((sides.counted, ~table.has_metric), (sides.measured, table.has_metric)):
        is_together = (table.session_id[pairs.candidate] == table.session_id[pairs.reference]).astype(bool)
        own = pairs.candidate[is_together]
        is_settled[own[settles[own]]] = True
    return np.flatnonzero(~is_settled)


def targets_of(
    table: TrialTable, owner: NDArray[np.int64], owners: int, evaluations: Evaluations
) -> NDArray[np.float64]:
    """The targets (owners,) by the rule, from the trials of references; `owner` (rows,) is -1 for any other trial."""
    rows = np.flatnonzero((owner >= 0) & table.has_metric)
    best = evaluations.best_metrics(table.trial_id[rows].tolist())
    # the number of the trial as its cell, because every one counts
    samples = cell_samples(owner[rows], rows, best, owners)
    found = [target_metric(sample) for sample in samples.per_owner()]
    return np.array([np.nan if target is None else target for target in found], dtype=np.float64)


def compare_rows(sides: Sides, targets: NDArray[np.float64], reached: Reached, margin: float = MARGIN) -> Comparisons:
    """All comparisons at once.

    Args:
        targets: (owners,) the validation metric that the trials of each comparison are to reach; NaN for none.
        reached: when they reached them.
    """
    table, pairs, owners = sides.table, sides.measured, sides.owners
    is_measured = np.bincount(pairs.owner, minlength=owners) > 0
    differences = _cells(sides, pairs, table.test_metric[pairs.candidate] - table.test_metric[pairs.reference])
    same = equivalence_tests(differences, margin)
    is_apart = (table.session_id[pairs.candidate] != table.session_id[pairs.reference]).astype(bool)
    found = Comparisons(
        **{name: _ratios(sides, getattr(table, figure)) for name, figure in _RATIOS.items()},
        target_ratio=_target_ratios(sides, reached, is_measured),
        target=targets,
        success_rate=_success_rates(sides, reached, ~np.isnan(targets)),
        difference=mean_intervals(differences),
        p_value=sign_flip_tests(differences),
        equivalent=np.where(np.isnan(same), np.nan, same < SIGNIFICANCE),
        paired=differences.counts,
        interleaved=np.where(is_measured, np.bincount(pairs.owner[is_apart], minlength=owners) == 0, np.nan),
    )
    _settle_references(found, sides.itself & is_measured)
    return found


class Reached(NamedTuple):
    """When trials reached the target of their comparison, NaN for a miss, and the seconds they took in all."""

    own_owner: NDArray[np.int64]
    own: NDArray[np.float64]
    """Of each candidate that counts."""
    above: NDArray[np.float64]
    below: NDArray[np.float64]
    """Of both sides of the counted pairs."""
    spent: NDArray[np.float64]
    """(pairs,) by the one that took longer."""


def reach(sides: Sides, targets: NDArray[np.float64], evaluations: Evaluations) -> Reached:
    """When the trials of all comparisons reached their targets (owners,), NaN for none."""
    table, pairs = sides.table, sides.counted
    own = np.flatnonzero((sides.owner >= 0) & table.is_counted)
    rows = np.concatenate([own, pairs.candidate, pairs.reference])
    owner = np.concatenate([sides.owner[own], pairs.owner, pairs.owner])
    # one question a trial and target, although a reference stands beside many candidates
    aims = rows * sides.owners + np.unique(targets, return_inverse=True)[1][owner]
    _, first, place = np.unique(aims, return_index=True, return_inverse=True)
    found = evaluations.reach(table.trial_id[rows[first]].tolist(), targets[owner[first]])
    ends = [len(own), len(own) + len(pairs.owner)]
    seconds, above, below = np.split(found.seconds[place], ends)
    # a killed trial kept no books, but it did not cost nothing
    booked = np.fmax(table.scored_seconds[rows], table.lost_seconds[rows])
    _, *spent = np.split(np.fmax(booked, found.last[place]), ends)
    return Reached(sides.owner[own], seconds, above, below, np.maximum(*spent))


def _success_rates(sides: Sides, reached: Reached, has_target: NDArray[np.bool_]) -> NDArray[np.float64]:
    hits = np.bincount(reached.own_owner, weights=~np.isnan(reached.own), minlength=sides.owners)
    trials = np.bincount(reached.own_owner, minlength=sides.owners)
    return np.divide(hits, trials, out=np.full(sides.owners, np.nan), where=(trials > 0) & has_target)


def _target_ratios(sides: Sides, reached: Reached, is_measured: NDArray[np.bool_]) -> Intervals:
    pairs, owners = sides.counted, sides.owners
    horizon = np.zeros(owners)
    np.maximum.at(horizon, pairs.owner, reached.spent)
    both = (reached.above, reached.below)
    hits = [np.bincount(pairs.owner[~np.isnan(side)], minlength=owners) for side in both]
    told = (is_measured & (hits[0] > 0) & (hits[1] > 0))[pairs.owner]
    # a miss, and anything later, is at the horizon
    above, below = (_cells(sides, pairs, np.where(told, np.fmin(side, horizon[pairs.owner]), np.nan)) for side in both)
    return restricted_mean_ratios(above, below, _RESAMPLES)


def _ratios(sides: Sides, figure: NDArray[np.float64]) -> Intervals:
    above, below = figure[sides.measured.candidate], figure[sides.measured.reference]
    # a figure that is missing or zero has no ratio
    logarithms = np.full(len(above), np.nan)
    usable = (above > 0) & (below > 0)
    logarithms[usable] = np.log(above[usable]) - np.log(below[usable])
    return Intervals(*map(np.exp, mean_intervals(_cells(sides, sides.measured, logarithms))))


def _cells(sides: Sides, pairs: PairRows, values: NDArray[np.float64]) -> Samples:
    return cell_samples(pairs.owner, sides.table.cell[pairs.candidate], values, sides.owners)


def _settle_references(found: Comparisons, itself: NDArray[np.bool_]) -> None:
    """A reference beside itself: each ratio exactly 1, the difference exactly 0, no test."""
    found.time_ratio.put(itself, (1.0, 1.0, 1.0))
    for ratio in (found.memory_ratio, found.energy_ratio, found.inference_ratio, found.size_ratio):
        ratio.put(itself & ~np.isnan(ratio.value), (1.0, 1.0, 1.0))
    found.target_ratio.put(itself & (found.success_rate > 0), (1.0, 1.0, 1.0))
    found.difference.put(itself, (0.0, 0.0, 0.0))
    found.p_value[itself] = np.nan
    found.equivalent[itself] = np.nan

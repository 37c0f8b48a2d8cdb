"""Methods against their frozen references, each from the trials of both alone.

So that a third method cannot change a figure. All comparisons are worked on at once; `compare` is the same for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from db.records import TrialRecord
from db.scoring.censoring import CurveEvaluations, Evaluations, restricted_mean_ratios, target_metric
from db.scoring.curve import Curve
from db.scoring.equivalence import MARGIN, SIGNIFICANCE, equivalence_tests
from db.scoring.intervals import Interval, Intervals, mean_intervals
from db.scoring.paired import Pair, PairRows, pair_trials, sign_flip_tests
from db.scoring.samples import Samples, cell_samples
from db.scoring.trial_table import TrialTable, columns_of, declared_targets, trial_table

# enough for two digits, and a board of 2000 rows stays under a second
_RESAMPLES = 2_000
_RATIOS = {
    "time_ratio": "scored_seconds",
    "memory_ratio": "peak_memory_bytes",
    "energy_ratio": "energy_joules",
    "inference_ratio": "inference_seconds",
    "size_ratio": "model_bytes",
}
"""Fields of `Comparison` by the figure of a trial that they divide."""


@dataclass(frozen=True)
class Comparison:
    """Ratios are candidate / reference, below 1 is cheaper; a figure that cannot be had is None."""

    time_ratio: Interval | None = None
    """Geometric mean of the paired ratios of scored time."""
    memory_ratio: Interval | None = None
    """Likewise of peak memory."""
    energy_ratio: Interval | None = None
    inference_ratio: Interval | None = None
    """Likewise of the seconds of one prediction on the whole graph."""
    size_ratio: Interval | None = None
    """Likewise of the bytes of the model that predicts."""
    target_ratio: Interval | None = None
    """Ratio of restricted mean times to target; None when no trial of one side reached it."""
    target: float | None = None
    """The validation metric to reach, see `db.scoring.censoring`."""
    success_rate: float | None = None
    """Share of the candidate's trials that reached the target."""
    difference: Interval | None = None
    """Mean paired difference of the test metric, candidate - reference."""
    p_value: float | None = None
    """Of the difference, by exact sign flips, not yet adjusted for several candidates."""
    equivalent: bool | None = None
    """Whether the test of equivalence claims the same metric."""
    pairs: tuple[Pair, ...] = ()
    """The pairs in which both sides have a metric."""

    @property
    def interleaved(self) -> bool | None:
        """Whether both sides of every pair ran in one session, so that the machine was the same to both."""
        if not self.pairs:
            return None
        return all(pair.candidate.session_id == pair.reference.session_id for pair in self.pairs)


@dataclass(frozen=True, eq=False)
class Comparisons:
    """The figures of `Comparison` as columns (owners,); NaN where one cannot be had."""

    time_ratio: Intervals
    memory_ratio: Intervals
    energy_ratio: Intervals
    inference_ratio: Intervals
    size_ratio: Intervals
    target_ratio: Intervals
    target: NDArray[np.float64]
    success_rate: NDArray[np.float64]
    difference: Intervals
    p_value: NDArray[np.float64]
    equivalent: NDArray[np.float64]
    """1 where it is claimed, 0 where it is not."""
    interleaved: NDArray[np.float64]
    """Likewise."""


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


def compare(
    candidate: Sequence[TrialRecord],
    reference: Sequence[TrialRecord],
    curves: Mapping[str, Curve],
    margin: float = MARGIN,
) -> Comparison:
    """Compare the trials of a candidate with those of its reference, all of one dataset, protocol, device and machine.

    The trials of one split, seed and repeat may be several; each of the candidate has one of the reference beside it.
    """
    trials = [*candidate, *reference]
    table, evaluations = trial_table(columns_of(trials)), CurveEvaluations(curves)
    is_candidate = np.arange(len(trials)) < len(candidate)
    declared = declared_targets({trial.protocol: trial.protocol_settings for trial in (*reference, *candidate)})
    targets = targets_of(table, np.where(is_candidate, -1, 0), 1, evaluations)
    targets[0] = next(iter(declared.values()), targets[0])
    sides = Sides(
        table,
        owners=1,
        owner=np.where(is_candidate, 0, -1),
        measured=_paired(candidate, reference, table.has_metric),
        counted=_paired(candidate, reference, table.is_counted),
        itself=np.zeros(1, dtype=bool),
    )
    found = compare_rows(sides, targets, reach(sides, targets, evaluations), margin)
    intervals = {name: getattr(found, name).one(0) for name in (*_RATIOS, "target_ratio", "difference")}
    return Comparison(
        **intervals,
        target=_known(found.target[0]),
        success_rate=_known(found.success_rate[0]),
        p_value=_known(found.p_value[0]),
        equivalent=None if np.isnan(found.equivalent[0]) else bool(found.equivalent[0]),
        pairs=tuple(
            Pair(trials[above], trials[below])
            for above, below in zip(sides.measured.candidate, sides.measured.reference, strict=True)
        ),
    )


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


def _paired(candidate: Sequence[TrialRecord], reference: Sequence[TrialRecord], chosen: NDArray[np.bool_]) -> PairRows:
    """The pairs of chosen trials, as rows of the table that has first the candidates and then the references."""
    own, beside = list(chosen[: len(candidate)]), list(chosen[len(candidate) :])
    rows = {id(trial): row for row, trial in enumerate([*candidate, *reference])}
    pairs = pair_trials(compress(candidate, own), compress(reference, beside))
    found = [[rows[id(trial)] for trial in pair] for pair in pairs]
    columns = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return PairRows(np.zeros(len(pairs), dtype=np.int64), *columns)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

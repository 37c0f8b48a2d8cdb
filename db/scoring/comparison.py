"""One method against its frozen reference, from their trials alone.

So that a third method cannot change a figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from db.records import Status, TrialRecord
from db.scoring.censoring import (
    best_metric,
    restricted_mean_ratio,
    restricted_times,
    success_rate,
    target_metric,
    time_to_target,
)
from db.scoring.curve import Curve
from db.scoring.equivalence import MARGIN, is_equivalent
from db.scoring.intervals import Interval, geometric_mean_ratio, mean_interval
from db.scoring.paired import Pair, cell_means, pair_trials, sign_flip_test

# enough for two digits, and a board of 200 rows stays under half a second
_RESAMPLES = 2_000
_ITSELF = Interval(1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Comparison:
    """Ratios are candidate / reference, below 1 is cheaper; a figure that cannot be had is None."""

    time_ratio: Interval | None = None
    """Geometric mean of the paired ratios of scored time."""
    memory_ratio: Interval | None = None
    """Likewise of peak memory."""
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


def compare(
    candidate: Sequence[TrialRecord],
    reference: Sequence[TrialRecord],
    curves: Mapping[str, Curve],
    margin: float = MARGIN,
) -> Comparison:
    """Compare the trials of a candidate with those of its reference, all of one dataset, protocol.

    Device and machine.
    """
    target = _target([*reference, *candidate], reference, curves)
    times = [_time(trial, curves, target) for trial in _counted(candidate)]
    pairs = tuple(pair_trials(_with_metric(candidate), _with_metric(reference)))
    figures = Comparison(target=target, success_rate=None if target is None else success_rate(times), pairs=pairs)
    if not pairs:
        return figures
    beside = [pair.candidate for pair in pairs]
    differences = cell_means(beside, [_metric(pair.candidate) - _metric(pair.reference) for pair in pairs])
    return Comparison(
        time_ratio=_ratio(pairs, _scored_seconds),
        memory_ratio=_ratio(pairs, lambda trial: trial.peak_memory_bytes),
        target_ratio=_target_ratio(candidate, reference, curves, target),
        target=target,
        success_rate=figures.success_rate,
        difference=mean_interval(differences),
        p_value=sign_flip_test(differences),
        equivalent=is_equivalent(differences, margin),
        pairs=pairs,
    )


def compare_with_itself(reference: Sequence[TrialRecord], curves: Mapping[str, Curve]) -> Comparison:
    """The reference's own figures: each ratio exactly 1, the difference exactly 0, no test."""
    finished = _with_metric(reference)
    target = _target(reference, reference, curves)
    times = [_time(trial, curves, target) for trial in _counted(reference)]
    if not finished:
        return Comparison(target=target, success_rate=None if target is None else success_rate(times))
    return Comparison(
        time_ratio=_ITSELF,
        memory_ratio=_ITSELF if any(trial.peak_memory_bytes for trial in finished) else None,
        target_ratio=_ITSELF if any(time is not None for time in times) else None,
        target=target,
        success_rate=None if target is None else success_rate(times),
        difference=Interval(0.0, 0.0, 0.0),
        pairs=tuple(Pair(trial, trial) for trial in finished),
    )


def _target(
    trials: Sequence[TrialRecord], reference: Sequence[TrialRecord], curves: Mapping[str, Curve]
) -> float | None:
    for trial in trials:
        declared = trial.protocol_settings.get("target")
        if isinstance(declared, int | float) and not isinstance(declared, bool):
            return float(declared)
    best = [best_metric(curves.get(trial.trial_id)) for trial in _with_metric(reference)]
    return target_metric([metric for metric in best if metric is not None])


def _target_ratio(
    candidate: Sequence[TrialRecord],
    reference: Sequence[TrialRecord],
    curves: Mapping[str, Curve],
    target: float | None,
) -> Interval | None:
    pairs = pair_trials(_counted(candidate), _counted(reference))
    above = [_time(pair.candidate, curves, target) for pair in pairs]
    below = [_time(pair.reference, curves, target) for pair in pairs]
    if all(time is None for time in above) or all(time is None for time in below):
        return None
    horizon = max(_spent(trial, curves) for pair in pairs for trial in pair)
    places = [pair.candidate for pair in pairs]
    return restricted_mean_ratio(
        cell_means(places, restricted_times(above, horizon)),
        cell_means(places, restricted_times(below, horizon)),
        _RESAMPLES,
    )


def _ratio(pairs: Sequence[Pair], figure: Callable[[TrialRecord], float | None]) -> Interval | None:
    # a figure that is missing or zero has no ratio
    usable = [
        (pair.candidate, math.log(above) - math.log(below))
        for pair in pairs
        if (above := figure(pair.candidate)) and (below := figure(pair.reference))
    ]
    if not usable:
        return None
    ratios = np.exp(cell_means(*zip(*usable, strict=True)))
    return geometric_mean_ratio(ratios, np.ones_like(ratios))


def _counted(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    # a trial that its user interrupted says nothing about the method, every other failure is a miss
    return [trial for trial in trials if trial.status is not Status.INTERRUPTED]


def _with_metric(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [trial for trial in trials if trial.status.has_metric and trial.test_metric is not None]


def _metric(trial: TrialRecord) -> float:
    assert trial.test_metric is not None
    return trial.test_metric


def _scored_seconds(trial: TrialRecord) -> float | None:
    return None if trial.ledger is None else trial.ledger.scored


def _spent(trial: TrialRecord, curves: Mapping[str, Curve]) -> float:
    curve = curves.get(trial.trial_id)
    last = float(curve.scored_seconds.max()) if curve is not None and len(curve.scored_seconds) else 0.0
    if trial.ledger is None:
        # a killed trial kept no books, but it did not cost nothing
        last = max(last, float(trial.environment.get("wall_seconds", 0.0)))
    return max(_scored_seconds(trial) or 0.0, last)


def _time(trial: TrialRecord, curves: Mapping[str, Curve], target: float | None) -> float | None:
    return None if target is None else time_to_target(curves.get(trial.trial_id), target)

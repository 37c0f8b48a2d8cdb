"""Time to target, with the trials that missed it.

The target of one reference (so of one dataset, backbone, protocol, device and machine) is what the protocol
declares, else 99 % of the median, over the trials of the reference, of the best validation metric. A trial
reaches it at its first evaluation at or above it. A trial that never does, for whatever reason, is censored
at the horizon of the comparison: the longest scored time that any trial of the candidate or of the reference
spent. A cheap method that misses is so never credited with stopping early, and no third method can move the
figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from db.scoring.curve import Curve
from db.scoring.intervals import Intervals, bootstrap_intervals
from db.scoring.samples import Samples

TARGET_SHARE = 0.99


class Reach(NamedTuple):
    """When trials reached their targets, and how far their curves go."""

    seconds: NDArray[np.float64]
    """(trials,) scored seconds at the first evaluation at or above the target; NaN where it was missed."""
    last: NDArray[np.float64]
    """(trials,) scored seconds at the last evaluation; 0 without any."""


class Evaluations(Protocol):
    """What is asked of curves, which the store answers without handing them over."""

    def best_metrics(self, trial_ids: Sequence[str]) -> NDArray[np.float64]:
        """Best validation metric (trials,) of each trial; NaN where nothing finite was evaluated."""

    def reach(self, trial_ids: Sequence[str], targets: NDArray[np.float64]) -> Reach:
        """When each trial reached its target (trials,), of which NaN is never reached."""


class CurveEvaluations:
    """Evaluations from curves by trial_id; a trial without a curve never was evaluated."""

    def __init__(self, curves: Mapping[str, Curve]) -> None:
        self._curves = curves

    def best_metrics(self, trial_ids: Sequence[str]) -> NDArray[np.float64]:
        best = [best_metric(self._curves.get(trial_id)) for trial_id in trial_ids]
        return np.array([np.nan if metric is None else metric for metric in best], dtype=np.float64)

    def reach(self, trial_ids: Sequence[str], targets: NDArray[np.float64]) -> Reach:
        curves = [self._curves.get(trial_id) for trial_id in trial_ids]
        times = [time_to_target(curve, target) for curve, target in zip(curves, targets.tolist(), strict=True)]
        last = [float(curve.scored_seconds.max(initial=0.0)) if curve is not None else 0.0 for curve in curves]
        return Reach(
            np.array([np.nan if time is None else time for time in times], dtype=np.float64),
            np.array(last, dtype=np.float64),
        )


def target_metric(
    best_of_reference: Sequence[float] | NDArray[np.float64], share: float = TARGET_SHARE
) -> float | None:
    """The target from the best validation metric of each reference trial; None when there is none."""
    return share * float(np.median(best_of_reference)) if len(best_of_reference) else None


def best_metric(curve: Curve | None) -> float | None:
    """Best validation metric of a curve; None when nothing finite was evaluated."""
    if curve is None:
        return None
    finite = curve.validation_metric[np.isfinite(curve.validation_metric)]
    return float(finite.max()) if len(finite) else None


def time_to_target(curve: Curve | None, target: float) -> float | None:
    """Least scored seconds of an evaluation at or above the target, which is the first, because scored time never runs
    backwards; None when it was missed.
    """
    if curve is None:
        return None
    reached = curve.scored_seconds[curve.validation_metric >= target]
    return float(reached.min()) if len(reached) else None


def restricted_times(times: Sequence[float | None], horizon: float) -> NDArray[np.float64]:
    """Times (n,) with a miss, and anything later, at the horizon; their mean is the restricted mean time."""
    return np.array([horizon if time is None else min(time, horizon) for time in times], dtype=np.float64)


def expected_running_time(times: Sequence[float | None], spent: Sequence[float]) -> float | None:
    """All seconds spent, on hits until the target and on misses until their end, over the number of hits
    (ERT, as in COCO).

    None when nothing hit.
    """
    hits = sum(time is not None for time in times)
    total = sum(used if time is None else time for time, used in zip(times, spent, strict=True))
    return total / hits if hits else None


def restricted_mean_ratios(candidate: Samples, reference: Samples, resamples: int = 10_000) -> Intervals:
    """Ratios of the means of paired restricted times, with their bootstrap intervals.

    NaN where there are none, or where the reference took no time.
    """
    found = Intervals.missing(len(candidate.counts))
    for (owners, above), (_, below) in zip(candidate.by_size(), reference.by_size(), strict=True):
        usable = below.min(axis=1) > 0
        ratios = bootstrap_intervals(
            lambda above, below: above / below, above[usable], below[usable], resamples=resamples
        )
        found.put(owners[usable], ratios)
    return found

"""Time to target, with the trials that missed it.

The target of one reference (so of one dataset, backbone, protocol, device and machine) is what the protocol
declares, else 99 % of the median, over the trials of the reference, of the best validation metric. A trial
reaches it at its first evaluation at or above it. A trial that never does, for whatever reason, is censored
at the horizon of the comparison: the longest scored time that any trial of the candidate or of the reference
spent. A cheap method that misses is so never credited with stopping early, and no third method can move the
figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from db.scoring.curve import Curve
from db.scoring.intervals import Interval, bootstrap_interval

TARGET_SHARE = 0.99


def target_metric(best_of_reference: Sequence[float], share: float = TARGET_SHARE) -> float | None:
    """The target from the best validation metric of each reference trial; None when there is none."""
    return share * float(np.median(best_of_reference)) if best_of_reference else None


def best_metric(curve: Curve | None) -> float | None:
    """Best validation metric of a curve; None when nothing finite was evaluated."""
    if curve is None:
        return None
    finite = curve.validation_metric[np.isfinite(curve.validation_metric)]
    return float(finite.max()) if len(finite) else None


def time_to_target(curve: Curve | None, target: float) -> float | None:
    """Scored seconds at the first evaluation at or above the target; None when it was missed."""
    if curve is None:
        return None
    reached = np.flatnonzero(curve.validation_metric >= target)
    return float(curve.scored_seconds[reached[0]]) if len(reached) else None


def success_rate(times: Sequence[float | None]) -> float | None:
    """Share of trials that reached the target; None without trials."""
    return sum(time is not None for time in times) / len(times) if times else None


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


def restricted_mean_ratio(
    candidate: NDArray[np.float64], reference: NDArray[np.float64], resamples: int = 10_000
) -> Interval | None:
    """Ratio of the means of paired restricted times (n,) with its bootstrap interval.

    None when the reference took no time.
    """
    if len(reference) == 0 or reference.min() <= 0:
        return None
    return bootstrap_interval(
        lambda above, below: above.mean(axis=1) / below.mean(axis=1), candidate, reference, resamples=resamples
    )

"""Whether one night of one series is worse than the nights before it.

Two steps. The night's own figures only raise a suspicion, at a threshold low enough to find a small change soon. What
was suspected is measured again, and these fresh figures alone stand against the settled level, at a significance that
is shared by all series judged in that night (Bonferroni). Not only by the suspected ones: a level that was measured too
low raises suspicions and then confirms them, so that the two steps are not independent.
`bench.regressions.simulation` measures how often a night without any change raises an alarm, and how soon a change is
found.

Cost is a series of ratios to the interleaved reference, in which a slow machine cancels; its levels come from
`db.scoring.changepoint`. `db.scoring.metric_regression` judges the test metric by the same two steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.scoring.changepoint import LEAST_NOISE, fit_segments, noise_scale
from db.scoring.student import t_cdf, t_quantile

ALARMS_PER_NIGHT = 0.0025
"""Share of nights with an alarm over all series while nothing changes, as the tests have it.

A quarter of the hundredth that is promised: the level that a night is held to is chosen by the same noisy data, and
timings have heavier tails than the tests assume.
"""

BASELINE = 10
"""Measured nights that a level has to last to be what others are held to."""

ON_TRIAL = 5
"""A change is looked for in the last so many measured nights; the level they are held to is that of the nights before.
A slow-down that nobody repairs becomes the level after `BASELINE + ON_TRIAL` nights.
"""

SUSPICIOUS = 1.2
"""Standard errors above its baseline from which a level is measured again, which is cheap next to a late alarm."""

LEAST_SLOW_DOWN = 0.02
"""Relative; a smaller one is no regression however certain it is."""

ROUNDS = (4, 8, 24)
"""Fresh measurements of a suspected series after each round; most suspicions end with the first, the last decides."""


class Outcome(StrEnum):
    NOT_MEASURED = "not_measured"
    """The night has no figure."""
    NO_BASELINE = "no_baseline"
    """Too little history, or no level in it that lasted."""
    UNCHANGED = "unchanged"
    SUSPECTED = "suspected"
    """Measure again."""
    UNCONFIRMED = "unconfirmed"
    """Suspected, and the fresh measurements do not prove it."""
    REGRESSION = "regression"


@dataclass(frozen=True)
class Verdict:
    """What one night of one series is."""

    outcome: Outcome
    reason: str
    """One sentence."""
    change: float | None = None
    """Cost: relative, 0.05 is 5 % slower. Metric: the mean difference, -0.01 is one point worse. From the fresh
    measurements where there are any; None where nothing could be compared.
    """
    since: int | None = None
    """Index of the night with which the slow-down seems to have begun; None for a metric or without a suspicion."""
    p_value: float | None = None
    """One-sided, of the fresh measurements alone and not adjusted; None without them."""
    reruns_wanted: int = 0
    """How many more fresh measurements the next call needs: ratios of a cost, fresh seeds of a metric."""


def cost_verdict(ratios: ArrayLike, reruns: Sequence[float] = (), compared: int = 1) -> Verdict:
    """Judge the last night of a cost: time, memory or energy.

    Args:
        ratios: (nights,) in their order, candidate / reference interleaved with it, NaN for a missing night.
        reruns: the same ratio measured again in the last night; empty before the suspicion.
        compared: how many series are judged in that night, for any figure.

    Raises:
        ValueError: a ratio is not a positive number, or `compared` is not.
    """
    history, fresh = _logarithms(ratios), _logarithms(reruns)
    level = significance(compared)
    if np.isnan(fresh).any():
        raise ValueError("a ratio that was measured again is missing; leave it out")
    if len(history) == 0 or np.isnan(history[-1]):
        return Verdict(Outcome.NOT_MEASURED, "The night has no ratio of this series.")
    measured = int((~np.isnan(history)).sum())
    if measured <= BASELINE:
        return Verdict(
            Outcome.NO_BASELINE, f"{measured} nights were measured; a verdict needs {BASELINE + 1} at least."
        )
    settled, recent = _parted(history)
    baseline = _lasting_level(settled)
    if baseline is None:
        return Verdict(Outcome.NO_BASELINE, f"No level lasted for {BASELINE} nights, so there is none to hold to.")
    excess, size, rise = _largest_excess(baseline, recent, max(noise_scale(settled), LEAST_NOISE))
    if excess < SUSPICIOUS or rise < math.log1p(LEAST_SLOW_DOWN):
        return Verdict(Outcome.UNCHANGED, "The last nights are at the level of those before them.", math.expm1(rise))
    since = int(np.flatnonzero(~np.isnan(history))[-size])
    if len(fresh) == 0:
        reason = f"{size} of the last nights are {math.expm1(rise):.1%} above the level before; measure again."
        return Verdict(Outcome.SUSPECTED, reason, math.expm1(rise), since, reruns_wanted=ROUNDS[0])
    return _confirmed_slow_down(baseline, fresh, since, level)


def significance(compared: int) -> float:
    """What each of `compared` series is tested at, so that a night has few false alarms over all of them.

    Raises:
        ValueError: there is no series.
    """
    if compared < 1:
        raise ValueError(f"the series judged in a night are one at least, got {compared}")
    return ALARMS_PER_NIGHT / compared


def settled_level(ratios: ArrayLike) -> NDArray[np.float64] | None:
    """Logarithms (nights,) of the ratios that the last night of `ratios` (nights,) is held to.

    None where too few nights were measured or no level lasted.

    Raises:
        ValueError: a ratio is not a positive number.
    """
    history = _logarithms(ratios)
    return _lasting_level(_parted(history)[0]) if (~np.isnan(history)).sum() > BASELINE else None


def proves_slow_down(baseline: ArrayLike, reruns: ArrayLike, level: float) -> NDArray[np.bool_]:
    """Whether fresh log ratios (..., reruns) prove a slow-down against the baseline (nights,); shape (...).

    They do when their mean is `LEAST_SLOW_DOWN` above and Student's one-sided t test of two samples of equal variance
    rejects that there is none at significance `level`.
    """
    before, after = np.asarray(baseline, dtype=np.float64), np.asarray(reruns, dtype=np.float64)
    rise = after.mean(axis=-1) - before.mean()
    critical = t_quantile(len(before) + after.shape[-1] - 2, 1 - level)
    return (rise >= math.log1p(LEAST_SLOW_DOWN)) & (_t_statistic(before, after) >= critical)


def _t_statistic(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    count, fresh = len(before), after.shape[-1]
    squares = ((before - before.mean()) ** 2).sum() + ((after - after.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    # a series without noise can be judged too
    deviation = np.maximum(np.sqrt(squares / (count + fresh - 2)), LEAST_NOISE)
    statistic: NDArray[np.float64] = (after.mean(axis=-1) - before.mean()) / (
        deviation * math.sqrt(1 / count + 1 / fresh)
    )
    return statistic


def _confirmed_slow_down(
    baseline: NDArray[np.float64], fresh: NDArray[np.float64], since: int, level: float
) -> Verdict:
    rise = float(fresh.mean() - baseline.mean())
    change, again = math.expm1(rise), f"Measured again {len(fresh)} times it is {math.expm1(rise):+.1%}"
    p_value = t_cdf(len(baseline) + len(fresh) - 2, -float(_t_statistic(baseline, fresh)))
    if rise < math.log1p(LEAST_SLOW_DOWN):
        reason = f"{again} against the level before, which is no slow-down of {LEAST_SLOW_DOWN:.0%}."
        return Verdict(Outcome.UNCONFIRMED, reason, change, since, p_value)
    if len(fresh) < ROUNDS[-1]:
        wanted = next(total for total in ROUNDS if total > len(fresh)) - len(fresh)
        reason = f"{again} against the level before; {ROUNDS[-1]} measurements decide."
        return Verdict(Outcome.SUSPECTED, reason, change, since, p_value, reruns_wanted=wanted)
    if not proves_slow_down(baseline, fresh, level):
        reason = f"{again} against the level before, which noise explains (p = {p_value:.2g})."
        return Verdict(Outcome.UNCONFIRMED, reason, change, since, p_value)
    reason = f"{again} against the level before, which noise does not explain (p = {p_value:.2g})."
    return Verdict(Outcome.REGRESSION, reason, change, since, p_value)


def _parted(history: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nights = np.flatnonzero(~np.isnan(history))
    first_on_trial = nights[-min(ON_TRIAL, len(nights) - BASELINE)]
    recent = history[first_on_trial:]
    return history[:first_on_trial], recent[~np.isnan(recent)]


def _lasting_level(settled: NDArray[np.float64]) -> NDArray[np.float64] | None:
    lasting = [segment for segment in fit_segments(settled) if segment.nights >= BASELINE]
    if not lasting:
        return None
    values = settled[lasting[-1].start : lasting[-1].stop]
    return values[~np.isnan(values)]


def _largest_excess(
    baseline: NDArray[np.float64], recent: NDArray[np.float64], noise: float
) -> tuple[float, int, float]:
    # the cut among the recent nights that lowers the squared residuals most, for a rise
    sizes = np.arange(1, len(recent) + 1)
    rises = np.cumsum(recent[::-1]) / sizes - baseline.mean()
    excesses = rises / (noise * np.sqrt(1 / sizes + 1 / len(baseline)))
    best = int(excesses.argmax())
    return float(excesses[best]), int(sizes[best]), float(rises[best])


def _logarithms(ratios: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(ratios, dtype=np.float64)
    if values.ndim != 1 or (values <= 0).any() or np.isinf(values).any():
        raise ValueError(f"a series is a row of positive ratios with NaN for a missing night, got {values}")
    return np.log(values)

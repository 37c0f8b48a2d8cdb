"""Whether one night of one series has a worse test metric than the night it is held to.

The own differences, seed by seed, raise a suspicion unless a test of equivalence ends it. On a CPU a seed gives the
same metric however often it is run, so a suspected loss is measured again with fresh seeds, which alone decide. The two
steps are those of `db.scoring.regression`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.scoring.changepoint import LEAST_NOISE
from db.scoring.equivalence import MARGIN, is_equivalent
from db.scoring.paired import paired_t_test
from db.scoring.regression import Outcome, Verdict, significance
from db.scoring.student import t_cdf, t_quantile

FRESH_SEEDS = 4
"""Fresh seeds for each pair of a suspected metric: ten pairs alone prove little at the significance of one among 200
series."""

_SUSPICIOUS_LOSS = 0.1
"""p-value, of a metric that is no higher, up to which it is measured again."""

_EQUIVALENCE = 0.05
"""Significance at which fresh seeds show the metric to be the same."""


def metric_verdict(
    differences: ArrayLike, reruns: Sequence[Sequence[float]] = (), compared: int = 1, margin: float = MARGIN
) -> Verdict:
    """Judge the test metric of a night.

    Args:
        differences: (pairs,) of the metric, of the night minus the night it is held to, one a (split, seed).
        reruns: (fresh seeds, pairs), the metric with a fresh seed in the seed's place minus that of the night it is
            held to; empty before the suspicion.
        compared: how many series are judged in that night, for any figure.
        margin: loss of the metric that counts as none.

    Raises:
        ValueError: a difference is not finite, the fresh ones are no table, or `compared` or the margin is not
            positive.
    """
    own, fresh = _finite(differences), _table(reruns)
    level = significance(compared)
    if len(own) == 0:
        return Verdict(Outcome.NOT_MEASURED, "The night has no metric that could be paired.")
    mean = float(own.mean())
    equivalent = is_equivalent(own, margin)
    if equivalent is None:
        return Verdict(Outcome.NO_BASELINE, "The night has one pair; a verdict needs two at least.", mean)
    if equivalent:
        return Verdict(Outcome.UNCHANGED, f"The metric is the same within {margin:g}.", mean)
    if _loss_p_value(own) > _SUSPICIOUS_LOSS:
        reason = f"{len(own)} pairs cannot show that the metric is the same within {margin:g}, nor do they show a loss."
        return Verdict(Outcome.UNCHANGED, reason, mean)
    if len(fresh) < FRESH_SEEDS:
        reason = f"The metric is {-mean:.4f} lower on {len(own)} pairs; measure again with fresh seeds."
        return Verdict(Outcome.SUSPECTED, reason, mean, reruns_wanted=FRESH_SEEDS - len(fresh))
    return _confirmed_loss(fresh, level, margin)


def proves_loss(fresh: ArrayLike, level: float, margin: float = MARGIN) -> NDArray[np.bool_]:
    """Whether differences of fresh seeds (..., fresh seeds, pairs) prove a loss; shape (...).

    They do when their mean is `margin` or more below 0 and Student's one-sided t test rejects that there is no loss at
    significance `level`.
    """
    means, errors, degrees = _fresh_loss(np.asarray(fresh, dtype=np.float64))
    return (means <= -margin) & (means / errors <= t_quantile(degrees, level))


def _confirmed_loss(fresh: NDArray[np.float64], level: float, margin: float) -> Verdict:
    means, errors, degrees = _fresh_loss(fresh)
    mean, error = float(means), float(errors)
    p_value = t_cdf(degrees, mean / error)
    on = f"{fresh.size} fresh trials"
    if t_cdf(degrees, (abs(mean) - margin) / error) < _EQUIVALENCE:
        return Verdict(Outcome.UNCONFIRMED, f"On {on} the metric is the same within {margin:g}.", mean, p_value=p_value)
    if not proves_loss(fresh, level, margin):
        reason = f"On {on} it differs by {mean:+.4f}, which noise explains (p = {p_value:.2g})."
        if p_value <= level:
            reason = f"On {on} it is {-mean:.4f} lower, which the margin of {margin:g} allows."
        return Verdict(Outcome.UNCONFIRMED, reason, mean, p_value=p_value)
    reason = f"The metric is {-mean:.4f} lower on {on} (p = {p_value:.2g})."
    return Verdict(Outcome.REGRESSION, reason, mean, p_value=p_value)


def _fresh_loss(fresh: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Mean (...) of fresh differences (..., seeds, pairs), its standard error (...) and degrees of freedom.

    The seeds of a pair stand against one and the same stored metric, so that their differences are not independent.
    This is the least-squares fit of pair + (before or fresh), which knows that.
    """
    seeds, pairs = fresh.shape[-2:]
    of_pair = fresh.mean(axis=-2, keepdims=True)
    within = ((fresh - of_pair) ** 2).sum(axis=(-2, -1))
    between = ((of_pair - of_pair.mean(axis=-1, keepdims=True)) ** 2).sum(axis=(-2, -1))
    degrees = seeds * pairs - 1
    deviations = np.maximum(np.sqrt((within + seeds / (seeds + 1) * between) / degrees), LEAST_NOISE)
    return of_pair.mean(axis=(-2, -1)), deviations * math.sqrt((seeds + 1) / (seeds * pairs)), degrees


def _loss_p_value(differences: NDArray[np.float64]) -> float:
    two_sided = paired_t_test(differences)
    assert two_sided is not None
    return two_sided / 2 if differences.mean() < 0 else 1 - two_sided / 2


def _finite(differences: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"differences are a row of finite numbers, got {values}; leave out pairs without a metric")
    return values


def _table(reruns: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    values = np.asarray(reruns, dtype=np.float64)
    if values.size == 0:
        return np.empty((0, 0))
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(f"fresh differences are a table of finite numbers, a row a seed, got {values}")
    return values

"""Whether two samples of a metric agree, by a test of equivalence: a large p-value of a difference proves nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from db.scoring.intervals import mean_interval
from db.scoring.student import t_quantile

MARGIN = 0.01
"""One percentage point: two means within it are one result for a board that compares costs."""

Cells = Mapping[tuple[int, int], float]
"""The metric by (split, seed)."""


class Agreement(NamedTuple):
    """The difference of the means, ours minus theirs, with its 90 % and 95 % interval, and what follows from it.

    `agree`: the 90 % interval lies within the margin (two one-sided tests at 5 %, Schuirmann 1987). `differ`: the
    difference is beyond the margin and its 95 % interval leaves out 0. Otherwise `inconclusive`.
    """

    verdict: Literal["agree", "differ", "inconclusive"]
    difference: float | None
    low_90: float | None
    high_90: float | None
    low_95: float | None
    high_95: float | None
    n_claimed: int
    n_measured: int

    def as_json(self) -> dict[str, Any]:
        """Plain values with stable keys."""
        return {**self._asdict(), "margin": MARGIN}


def agreement(claimed: Cells, measured: Cells, margin: float = MARGIN) -> Agreement:
    """Compare two samples.

    Where both have the same two or more splits, the means of each split are compared, because splits differ more than
    seeds do; otherwise Welch's interval is taken over all seeds.
    """
    splits = sorted({split for split, _ in claimed} & {split for split, _ in measured})
    found = _by_split(claimed, measured, splits) if len(splits) > 1 else _welch(claimed, measured)
    counts = len(claimed), len(measured)
    if found is None:
        return Agreement("inconclusive", None, None, None, None, None, *counts)
    difference, half_90, half_95 = found
    verdict: Literal["agree", "differ", "inconclusive"] = "inconclusive"
    if abs(difference) + half_90 < margin:
        verdict = "agree"
    elif abs(difference) > margin and abs(difference) > half_95:
        verdict = "differ"
    ends = (difference - half_90, difference + half_90, difference - half_95, difference + half_95)
    return Agreement(verdict, difference, *ends, *counts)


def _by_split(claimed: Cells, measured: Cells, splits: list[int]) -> tuple[float, float, float]:
    differences = [_mean(measured, split) - _mean(claimed, split) for split in splits]
    value, _, high_90 = mean_interval(differences, 0.9)
    _, _, high_95 = mean_interval(differences, 0.95)
    assert high_90 is not None and high_95 is not None
    return value, high_90 - value, high_95 - value


def _mean(cells: Cells, split: int) -> float:
    return float(np.mean([value for (own, _), value in cells.items() if own == split]))


def _welch(claimed: Cells, measured: Cells) -> tuple[float, float, float] | None:
    """Welch 1947, with whole degrees of freedom rounded down, which is the careful side."""
    samples = [np.array(list(cells.values()), dtype=np.float64) for cells in (measured, claimed)]
    if min(map(len, samples)) < 2:
        return None
    ours, theirs = samples
    variances = [sample.var(ddof=1) / len(sample) for sample in samples]
    difference, error = float(ours.mean() - theirs.mean()), math.sqrt(sum(variances))
    if error == 0:
        return difference, 0.0, 0.0
    spread = sum(v**2 / (len(sample) - 1) for v, sample in zip(variances, samples, strict=True))
    degrees = max(1, int(sum(variances) ** 2 / spread))
    return difference, t_quantile(degrees, 0.95) * error, t_quantile(degrees, 0.975) * error

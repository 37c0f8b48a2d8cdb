"""Which trial stands beside which, and tests on their differences."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.records import TrialRecord
from db.scoring.student import t_cdf

_EXACT_UP_TO = 16
_DRAWS = 20_000


class Pair(NamedTuple):
    """A trial of the candidate and the trial of the reference it is compared with."""

    candidate: TrialRecord
    reference: TrialRecord


def pair_trials(candidates: Iterable[TrialRecord], references: Iterable[TrialRecord]) -> list[Pair]:
    """Pair each candidate with the reference of its dataset, split, seed, repeat, device, machine and
    protocol.

    Of several references the one of the candidate's session is taken, else the one nearest in time, because a
    machine drifts. A candidate without any is left out.
    """
    by_place: dict[Hashable, list[TrialRecord]] = defaultdict(list)
    for reference in references:
        by_place[_place(reference)].append(reference)
    return [
        Pair(candidate, min(beside, key=lambda reference: _distance(candidate, reference)))
        for candidate in candidates
        if (beside := by_place.get(_place(candidate)))
    ]


def paired_t_test(differences: ArrayLike) -> float | None:
    """Two-sided p-value of Student's t test that the mean of `differences` (n,) is 0.

    None for fewer than 2.
    """
    sample = np.asarray(differences, dtype=np.float64)
    if len(sample) < 2:
        return None
    if np.ptp(sample) == 0:
        return 1.0 if sample[0] == 0 else 0.0
    statistic = sample.mean() / (sample.std(ddof=1) / math.sqrt(len(sample)))
    return float(2 * t_cdf(len(sample) - 1, -abs(statistic)))


def sign_flip_test(differences: ArrayLike) -> float | None:
    """Two-sided p-value of the permutation test that flips the sign of each of `differences` (n,); None for
    fewer than 2.

    Exact up to 16 differences, by 20,000 random flips with a fixed seed above. It assumes no distribution,
    and two equal differences cannot make it certain, as they do the t test.
    """
    sample = np.asarray(differences, dtype=np.float64)
    count = len(sample)
    if count < 2:
        return None
    if count <= _EXACT_UP_TO:
        signs = 1.0 - 2.0 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)
    else:
        signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(_DRAWS, count))
        # the differences as observed are one of the flips, without which a p-value of 0 could come out
        signs[0] = 1.0
    totals = np.abs(signs @ sample)
    rounding = 1e-12 * np.abs(sample).sum()
    return float((totals >= abs(sample.sum()) - rounding).mean())


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment of one family, in the order given.

    A missing p-value stays missing and does not count.
    """
    adjusted: list[float | None] = [None] * len(p_values)
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[index] = largest
    return adjusted


def cell_means(trials: Iterable[TrialRecord], values: Iterable[float]) -> NDArray[np.float64]:
    """Mean value of each (split, seed), in their order: repeats of one cell are not independent.

    So they count once.
    """
    cells: dict[tuple[int, int], list[float]] = defaultdict(list)
    for trial, value in zip(trials, values, strict=True):
        cells[trial.split, trial.seed].append(value)
    return np.array([np.mean(cells[cell]) for cell in sorted(cells)])


def _place(trial: TrialRecord) -> Hashable:
    return (
        *(trial.dataset, trial.dataset_version, trial.split, trial.seed, trial.repeat),
        *(trial.device, trial.machine_id, trial.protocol),
    )


def _distance(candidate: TrialRecord, reference: TrialRecord) -> tuple[bool, float, str]:
    apart = abs((candidate.started_at - reference.started_at).total_seconds())
    return candidate.session_id != reference.session_id, apart, reference.trial_id

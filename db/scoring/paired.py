"""Which trial stands beside which, and tests on their differences."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.records import TrialFigures
from db.scoring.samples import Samples
from db.scoring.student import t_cdf
from db.scoring.trial_table import TrialTable, numbered

Figures = TypeVar("Figures", bound=TrialFigures)

_EXACT_UP_TO = 16
_DRAWS = 20_000
# so that the totals of a chunk stay in the processor's cache
_CHUNK = 2**18


class Pair(NamedTuple, Generic[Figures]):
    """A trial of the candidate and the trial of the reference it is compared with."""

    candidate: Figures
    reference: Figures


class PairRows(NamedTuple):
    """Pairs as rows (pairs,) of a table, with the number of the comparison they belong to."""

    owner: NDArray[np.int64]
    candidate: NDArray[np.int64]
    reference: NDArray[np.int64]


def pair_rows(
    table: TrialTable, owner: NDArray[np.int64], reference: NDArray[np.int64], chosen: NDArray[np.bool_]
) -> PairRows:
    """Pair each chosen candidate with a chosen trial of its reference, as `pair_trials` does.

    Args:
        owner: (rows,) the group of a trial that is a candidate, which owns its pair; -1 for any other.
        reference: (groups,) the group that each group stands beside; -1 for none.
        chosen: (rows,) the trials that can be in a pair.
    """
    place = numbered(table.cell, table.repeat)
    width = int(place.max(initial=0)) + 1
    rows = np.flatnonzero(chosen)
    keys = table.group[rows] * width + place[rows]
    order = np.argsort(keys, kind="stable")
    rows, keys = rows[order], keys[order]
    candidate = np.flatnonzero(chosen & (owner >= 0))
    candidate = candidate[reference[owner[candidate]] >= 0]
    wanted = reference[owner[candidate]] * width + place[candidate]
    first = np.searchsorted(keys, wanted)
    counts = np.searchsorted(keys, wanted, side="right") - first
    # every candidate beside every reference that it could have, those of one candidate behind one another
    candidate, ends = np.repeat(candidate, counts), np.cumsum(counts)
    beside = rows[np.repeat(first - (ends - counts), counts) + np.arange(len(candidate))]
    best = _nearest(table, candidate, beside)
    return PairRows(owner[candidate[best]], candidate[best], beside[best])


def _nearest(table: TrialTable, candidate: NDArray[np.int64], beside: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of possible pairs (n,), sorted by candidate, the place of the best one of each candidate."""
    is_first = np.append(True, candidate[1:] != candidate[:-1])[: len(candidate)]
    sizes = np.diff(np.append(np.flatnonzero(is_first), len(candidate)))
    # few candidates have a choice, and words are slow to sort
    many = np.flatnonzero(np.repeat(sizes > 1, sizes))
    own, other = candidate[many], beside[many]
    is_apart = table.session_id[own] != table.session_id[other]
    gap = np.abs(table.started_at[own] - table.started_at[other])
    order = np.arange(len(candidate))
    order[many] = many[np.lexsort((numbered(table.trial_id[other]), gap, is_apart.astype(bool), own))]
    return order[is_first]


def pair_trials(candidates: Iterable[Figures], references: Iterable[Figures]) -> list[Pair[Figures]]:
    """Pair each candidate with the reference of its dataset, split, seed, repeat, device, machine and
    protocol.

    Of several references the one of the candidate's session is taken, else the one nearest in time, because a
    machine drifts. A candidate without any is left out.
    """
    by_place: dict[Hashable, list[Figures]] = defaultdict(list)
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
    p_value = float(sign_flip_tests(Samples(sample, np.array([len(sample)])))[0])
    return None if math.isnan(p_value) else p_value


def sign_flip_tests(differences: Samples) -> NDArray[np.float64]:
    """The p-values (owners,) of `sign_flip_test` for many samples; NaN for those of fewer than 2."""
    p_values = np.full(len(differences.counts), np.nan)
    for owners, matrix in differences.by_size():
        if matrix.shape[1] < 2:
            continue
        signs = _signs(matrix.shape[1])
        width = max(1, _CHUNK // len(signs))
        for start in range(0, len(owners), width):
            chunk = matrix[start : start + width]
            totals = np.abs(signs @ chunk.T)
            # a product of matrices rounds as it likes
            rounding = 1e-12 * np.abs(chunk).sum(axis=1)
            reached = totals >= np.abs(chunk.sum(axis=1)) - rounding
            p_values[owners[start : start + width]] = reached.mean(axis=0)
    return p_values


@lru_cache(maxsize=8)
def _signs(count: int) -> NDArray[np.float64]:
    """Signs (flips, count): all patterns, or random ones of which the first flips nothing."""
    if count <= _EXACT_UP_TO:
        # the other half are the mirror images of these, whose totals are as large
        flips = np.arange(2 ** (count - 1))[:, None] >> np.arange(count) & 1
        return 1.0 - 2.0 * flips.astype(np.float64)
    signs: NDArray[np.float64] = np.random.default_rng(0).choice([-1.0, 1.0], size=(_DRAWS, count))
    # the differences as observed are one of the flips, without which a p-value of 0 could come out
    signs[0] = 1.0
    return signs


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


def cell_means(trials: Iterable[TrialFigures], values: Iterable[float]) -> NDArray[np.float64]:
    """Mean value of each (split, seed), in their order: repeats of one cell are not independent.

    So they count once.
    """
    cells: dict[tuple[int, int], list[float]] = defaultdict(list)
    for trial, value in zip(trials, values, strict=True):
        cells[trial.split, trial.seed].append(value)
    return np.array([np.mean(cells[cell]) for cell in sorted(cells)])


def _place(trial: TrialFigures) -> Hashable:
    return (
        *(trial.dataset, trial.dataset_version, trial.split, trial.seed, trial.repeat),
        *(trial.device, trial.machine_id, trial.protocol),
    )


def _distance(candidate: TrialFigures, reference: TrialFigures) -> tuple[bool, float, str]:
    apart = abs((candidate.started_at - reference.started_at).total_seconds())
    return candidate.session_id != reference.session_id, apart, reference.trial_id

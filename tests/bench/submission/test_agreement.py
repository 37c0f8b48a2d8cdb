"""Two samples of a metric: when they agree, when they differ, and when nobody can tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.submission.agreement import agreement

DRAW = np.random.default_rng(0)
SPLITS = 0.03 * DRAW.standard_normal(10)  # splits differ more than seeds do


def cells(mean: float, spread: float, seed: int, splits: int = 10) -> dict[tuple[int, int], float]:
    noise = np.random.default_rng(seed).standard_normal(10)
    where = SPLITS if splits > 1 else np.zeros(1)
    return {(i % splits, seed * 100 + i): mean + spread * noise[i] + where[i % splits] for i in range(10)}


@pytest.mark.parametrize("splits", [1, 10])
@pytest.mark.parametrize(
    ("ours", "spread", "verdict"),
    [(0.800, 0.003, "agree"), (0.770, 0.003, "differ"), (0.830, 0.003, "differ"), (0.799, 0.05, "inconclusive")],
)
def test_verdicts(splits: int, ours: float, spread: float, verdict: str) -> None:
    found = agreement(cells(0.8, spread, 1, splits), cells(ours, spread, 2, splits))
    assert found.verdict == verdict
    assert (found.n_claimed, found.n_measured) == (10, 10)
    assert found.low_95 < found.low_90 < found.difference < found.high_90 < found.high_95


def test_splits_in_common_are_compared_split_by_split() -> None:
    claimed, measured = cells(0.8, 0.003, 1), cells(0.8, 0.003, 2)
    differences = [ours - theirs for ours, theirs in zip(measured.values(), claimed.values(), strict=True)]
    low, high = stats.t.interval(0.95, 9, np.mean(differences), stats.sem(differences))
    found = agreement(claimed, measured)
    assert (found.low_95, found.high_95) == (pytest.approx(low), pytest.approx(high))


def test_seeds_of_one_split_are_compared_as_welch_does() -> None:
    claimed, measured = cells(0.8, 0.003, 1, 1), cells(0.81, 0.009, 2, 1)
    test = stats.ttest_ind(list(measured.values()), list(claimed.values()), equal_var=False)
    interval = test.confidence_interval(0.95)
    found = agreement(claimed, measured)
    assert found.difference == pytest.approx(np.mean(list(measured.values())) - np.mean(list(claimed.values())))
    # whole degrees of freedom make it a little wider
    assert found.low_95 <= interval.low
    assert found.low_95 == pytest.approx(interval.low, abs=3e-4)


def test_one_seed_tells_nothing() -> None:
    found = agreement({(0, 0): 0.8}, {(0, 1): 0.8})
    assert (found.verdict, found.difference) == ("inconclusive", None)


def test_samples_without_any_spread() -> None:
    same = {(0, seed): 0.8 for seed in range(3)}
    assert agreement(same, same).verdict == "agree"
    assert agreement(same, dict.fromkeys(same, 0.9)).verdict == "differ"

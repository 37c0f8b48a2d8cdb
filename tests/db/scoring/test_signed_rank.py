"""Wilcoxon's test, by hand, by brute force and against SciPy."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from db.scoring.signed_rank import signed_rank_test


def test_by_hand() -> None:
    # ranks 1 2 3, all positive: the smaller sum is 0, which 1 of 8 signs gives, on either side
    assert signed_rank_test([0.1, 0.2, 0.3]) == 2 / 8
    # the smaller sum is 1: {} and {1}
    assert signed_rank_test([-0.1, 0.2, 0.3]) == 4 / 8
    # two of size 1 share rank 1.5, the third has 3: sums up to 1.5 are {}, {1.5}, {1.5}
    assert signed_rank_test([-1, 1, 2]) == 6 / 8


def test_zeros_are_left_out() -> None:
    assert signed_rank_test([0, 0.1, 0.2, 0.3]) == signed_rank_test([0.1, 0.2, 0.3])
    assert signed_rank_test([0.0, 0.0]) == 1.0


def test_one_difference_proves_nothing() -> None:
    assert signed_rank_test([1.0]) is None
    assert signed_rank_test([]) is None


def test_infinite_differences_are_the_largest_and_equal() -> None:
    assert signed_rank_test([np.inf, np.inf, -1, -2]) == signed_rank_test([9, 9, -1, -2])


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=8))
def test_agrees_with_brute_force(differences: list[int]) -> None:
    nonzero = [d for d in differences if d]
    ranks = stats.rankdata(np.abs(nonzero)) if nonzero else np.zeros(0)

    def smaller_sum(signs: tuple[int, ...]) -> float:
        positive = sum(rank for sign, rank in zip(signs, ranks, strict=True) if sign > 0)
        return min(positive, sum(ranks) - positive)

    observed = smaller_sum(tuple(nonzero))
    every = [smaller_sum(signs) <= observed for signs in product((-1, 1), repeat=len(nonzero))]
    assert signed_rank_test(differences) == pytest.approx(sum(every) / len(every))


@given(st.integers(5, 40), st.integers(0, 1000))
def test_agrees_with_scipy_without_ties(count: int, seed: int) -> None:
    differences = np.random.default_rng(seed).normal(0.3, 1, count)
    assert signed_rank_test(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


def test_missing_differences_are_refused() -> None:
    with pytest.raises(ValueError, match="missing"):
        signed_rank_test([1.0, np.nan])

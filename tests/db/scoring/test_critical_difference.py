"""Critical differences, computed by hand and against SciPy."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from db.scoring.critical_difference import critical_difference, fewest_datasets, friedman_test
from db.scoring.paired import holm

SPREAD = np.linspace(0.0, 0.9, 10)


def _table(*offsets: float, datasets: int = 10) -> np.ndarray:
    # the methods differ by constants that no dataset changes
    return np.array([SPREAD[:datasets] + offset for offset in offsets])


def test_friedman_by_hand() -> None:
    # three methods in the same order on 4 datasets: rank sums 4 8 12, 12 / (4 * 3 * 4) * 224 - 3 * 4 * 4 = 8
    # with 2 degrees P(X >= 8) = exp(-4)
    assert friedman_test(_table(0, 1, 2, datasets=4)) == pytest.approx(np.exp(-4))


@given(st.integers(3, 6), st.integers(2, 20), st.integers(0, 1000))
def test_friedman_agrees_with_scipy_with_ties(methods: int, datasets: int, seed: int) -> None:
    costs = np.random.default_rng(seed).integers(0, 4, (methods, datasets))
    if (costs == costs[0]).all():
        return
    assert friedman_test(costs) == pytest.approx(stats.friedmanchisquare(*costs).pvalue, abs=1e-9)


def test_ties_everywhere_are_no_difference() -> None:
    equal = critical_difference(np.ones((3, 8)))
    assert equal.friedman_p == 1.0
    assert equal.average_ranks.tolist() == [2.0, 2.0, 2.0]
    assert equal.cliques == ((0, 1, 2),)
    assert np.isnan(equal.p_values).all()


def test_methods_that_differ_everywhere_are_told_apart() -> None:
    found = critical_difference(_table(2, 0, 1))
    assert found.average_ranks.tolist() == [3.0, 1.0, 2.0]
    # each pair alone: 2 / 2^10; Holm multiplies by 3
    assert found.p_values[0, 1] == found.p_values[1, 0] == pytest.approx(3 * 2 / 2**10)
    assert found.cliques == ()


def test_two_that_are_alike_form_a_clique() -> None:
    costs = _table(2, 0, 0)
    # the third beats the second on every other dataset, by as much as it loses
    costs[2] += np.where(np.arange(10) % 2, 0.05, -0.05)
    found = critical_difference(costs)
    assert found.cliques == ((1, 2),)
    assert found.p_values[1, 2] > 0.05 > found.p_values[0, 1]


def test_a_chain_has_two_overlapping_cliques() -> None:
    # A beats C on all 20 datasets; B loses a little to both on 12 and beats both clearly on 8, so that the ranks of the
    # differences add up to 78 and 132, which is no difference
    base = np.arange(20.0)
    costs = np.array([base, base + np.where(base < 12, 0.01, -0.02), base + 0.005])
    found = critical_difference(costs)
    assert found.average_ranks.tolist() == pytest.approx([1.4, 2.2, 2.4])
    assert found.friedman_p < 0.05
    assert found.p_values[0, 2] < 0.05
    assert found.cliques == ((0, 1), (1, 2))


def test_pairs_are_not_compared_where_friedman_sees_nothing() -> None:
    noise = np.random.default_rng(0).normal(size=(4, 12))
    found = critical_difference(noise)
    assert found.friedman_p == pytest.approx(stats.friedmanchisquare(*noise).pvalue)
    assert found.friedman_p > 0.05
    assert np.isnan(found.p_values).all()
    assert [set(clique) for clique in found.cliques] == [{0, 1, 2, 3}]


def test_two_methods_are_compared_by_wilcoxon_alone() -> None:
    found = critical_difference(_table(0, 1, datasets=6))
    assert found.friedman_p is None
    assert found.p_values[0, 1] == 2 / 2**6
    assert found.cliques == ()


def test_metrics_are_better_when_larger() -> None:
    assert critical_difference(_table(0, 1), maximize=True).average_ranks.tolist() == [2.0, 1.0]


def test_who_fails_loses_and_two_failures_are_equal() -> None:
    costs = _table(0, 1, 2)
    costs[1:, 0] = np.inf
    found = critical_difference(costs)
    # on the first dataset ranks 1 2.5 2.5
    assert found.average_ranks.tolist() == pytest.approx([1.0, 2.05, 2.95])
    # the tie of the two is left out: nine wins
    assert critical_difference(costs[1:]).p_values[0, 1] == 2 / 2**9


def test_datasets_on_which_one_was_not_run_are_left_out() -> None:
    costs = _table(0, 1)
    costs[0, 3] = np.nan
    found = critical_difference(costs)
    assert found.counted.tolist() == [True] * 3 + [False] + [True] * 6
    assert found.p_values[0, 1] == 2 / 2**9


def test_p_values_agree_with_scipy() -> None:
    random = np.random.default_rng(4)
    costs = random.normal(size=(4, 15)) + np.array([[0.0], [0.3], [1.0], [2.0]])
    found = critical_difference(costs)
    pairs = list(combinations(range(4), 2))
    expected = holm([float(stats.wilcoxon(costs[a], costs[b], method="exact").pvalue) for a, b in pairs])
    assert [found.p_values[a, b] for a, b in pairs] == pytest.approx(expected)


@pytest.mark.parametrize(("methods", "datasets"), [(2, 6), (3, 7), (5, 9), (10, 11)])
def test_fewest_datasets(methods: int, datasets: int) -> None:
    # 2 / 2^6 = 0.031; 3 * 2 / 2^7 = 0.047; 10 * 2 / 2^9 = 0.039; 45 * 2 / 2^11 = 0.044, and one fewer is above 0.05
    assert fewest_datasets(methods) == datasets
    offsets = range(methods)
    told = critical_difference(np.arange(20.0)[:datasets] + np.array(offsets)[:, None])
    # all pairs have the smallest p-value, times the number of pairs
    assert np.nanmax(told.p_values) < 0.05
    assert not np.nanmax(critical_difference(np.arange(datasets - 1.0) + np.array(offsets)[:, None]).p_values) < 0.05


def test_it_says_when_the_datasets_are_too_few() -> None:
    few = critical_difference(_table(0, 1, 2, datasets=5))
    assert few.caution == (
        "With 5 datasets no two of 3 methods can be told apart at 0.05, however they differ; it takes 7."
    )
    assert few.cliques == ((0, 1, 2),)
    assert "nearly all" in critical_difference(_table(0, 1, 2, datasets=8)).caution
    assert critical_difference(np.arange(11.0) + np.arange(3.0)[:, None]).caution is None


def test_one_dataset_tells_nothing() -> None:
    found = critical_difference([[1.0], [2.0], [3.0]])
    assert (found.friedman_p, found.cliques) == (None, ((0, 1, 2),))
    assert found.average_ranks.tolist() == [1.0, 2.0, 3.0]


def test_forty_methods_that_are_alike_are_one_clique_at_once() -> None:
    # too few datasets to tell any two apart, but enough for Friedman
    found = critical_difference(np.arange(5.0) + np.arange(40.0)[:, None])
    assert found.friedman_p < 0.05
    assert found.cliques == (tuple(range(40)),)


def test_cliques_agree_with_brute_force() -> None:
    random = np.random.default_rng(2)
    seen = set()
    for _ in range(30):
        costs = random.normal(size=(5, 12)) + random.normal(size=(5, 1)) * 0.8
        found = critical_difference(costs)
        alike = ~(found.p_values <= 0.05)
        groups = [set(g) for size in range(2, 6) for g in combinations(range(5), size)]
        groups = [g for g in groups if all(alike[a, b] for a, b in combinations(g, 2))]
        largest = {frozenset(g) for g in groups if not any(g < other for other in groups)}
        assert {frozenset(clique) for clique in found.cliques} == largest
        seen.add(len(largest))
    assert len(seen) > 1


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="two methods"):
        critical_difference([[1.0, 2.0]])
    with pytest.raises(ValueError, match="on which all were run"):
        critical_difference([[1.0, np.nan], [np.nan, 1.0]])
    with pytest.raises(ValueError, match="shape"):
        critical_difference([])
    with pytest.raises(ValueError, match="Friedman"):
        friedman_test([[1.0], [2.0]])

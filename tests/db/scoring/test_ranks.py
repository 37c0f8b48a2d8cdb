"""Standings over a set of datasets, computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from db.scoring.ranks import midranks, standings

NEVER = np.inf
rows = st.lists(st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0, np.inf, np.nan]), min_size=4, max_size=4)


def test_by_hand() -> None:
    # geometric means 1/2, 1, sqrt(1/2 * 1/8) = 1/4
    first, second, third = standings([[0.5, 0.5], [0.5, 2.0], [0.5, 0.125]])
    assert [s.ratio.value for s in (first, second, third)] == pytest.approx([0.5, 1.0, 0.25])
    assert [s.rank for s in (first, second, third)] == [2, 3, 1]
    # on the first dataset alone all are equal, on the second alone they are as over both
    assert [(s.rank_low, s.rank_high) for s in (first, second, third)] == [(1, 2), (1, 3), (1, 1)]


def test_the_ranks_are_those_of_the_chosen_set() -> None:
    ratios = np.array([[0.5, 4.0, 4.0], [1.0, 1.0, 1.0]])
    assert [s.rank for s in standings(ratios)] == [2, 1]
    assert [s.rank for s in standings(ratios[:, [0]])] == [1, 2]


def test_one_dataset_and_one_method() -> None:
    (only,) = standings([[0.5]])
    assert (only.ratio, only.rank, only.rank_low, only.rank_high) == ((0.5, None, None), 1, None, None)


def test_who_failed_comes_after_all_who_did_not_by_failures_alone() -> None:
    entries = standings([[0.1, NEVER, 0.1], [9.0, 9.0, 9.0], [0.2, 0.2, NEVER], [0.1, NEVER, NEVER]])
    assert [s.rank for s in entries] == [2, 1, 2, 4]
    assert [s.failures for s in entries] == [1, 0, 1, 2]
    assert entries[0].ratio is None


def test_who_is_missing_has_no_rank_and_takes_none() -> None:
    entries = standings([[np.nan, 0.1], [1.0, 1.0], [2.0, 2.0]])
    assert [s.rank for s in entries] == [None, 1, 2]
    assert (entries[0].missing, entries[0].rank_low, entries[0].ratio) == (1, None, None)


def test_equal_methods_share_the_better_rank() -> None:
    assert [s.rank for s in standings([[1.0, 2.0], [1.0, 2.0], [3.0, 3.0]])] == [1, 1, 3]


@given(st.lists(rows, min_size=2, max_size=6), rows)
def test_an_entrant_reorders_nobody(field: list[list[float]], entrant: list[float]) -> None:
    before = standings(field)
    after = standings([*field, entrant])[:-1]
    for a, old in enumerate(before):
        assert after[a].ratio == old.ratio
        for b in range(len(before)):
            ranks = old.rank, before[b].rank, after[a].rank, after[b].rank
            if None not in ranks:
                assert (ranks[0] < ranks[1]) == (ranks[2] < ranks[3])


def test_midranks_by_hand() -> None:
    assert midranks([3.0, 1.0, 3.0]).tolist() == [2.5, 1.0, 2.5]
    assert midranks([[1.0, np.inf], [2.0, np.inf]]).tolist() == [[1.0, 1.5], [2.0, 1.5]]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9))
def test_midranks_agree_with_scipy(values: list[int]) -> None:
    assert midranks(values).tolist() == stats.rankdata(values).tolist()


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        standings(np.ones((3, 0)))
    with pytest.raises(ValueError, match="positive"):
        standings([[0.0]])
    with pytest.raises(ValueError, match="no rank"):
        midranks([1.0, np.nan])

"""Wins, ties and losses, counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.scoring.wins import win_table

tables = st.integers(1, 5).flatmap(
    lambda datasets: st.lists(
        st.lists(st.sampled_from([0.0, 1.0, 2.0, np.inf, np.nan]), min_size=datasets, max_size=datasets),
        min_size=1,
        max_size=4,
    )
)


def test_by_hand() -> None:
    # differences of B to A: +0.02, +0.004, -0.006, 0
    table = win_table([[0.80, 0.800, 0.800, 0.8], [0.82, 0.804, 0.794, 0.8]], margin=0.005, maximize=True)
    assert table.wins.tolist() == [[0, 1], [1, 0]]
    assert table.ties.tolist() == [[0, 2], [2, 0]]
    assert table.losses.tolist() == [[0, 1], [1, 0]]


def test_a_difference_of_the_margin_is_a_tie() -> None:
    assert win_table([[1.0], [1.5]], margin=0.5).ties[0, 1] == 1
    assert win_table([[1.0], [1.6]], margin=0.5).wins[0, 1] == 1


def test_failed_loses_against_anything_and_ties_with_failed() -> None:
    # for costs and metrics alike; on the third dataset A was not run
    for maximize in (False, True):
        table = win_table([[1.0, np.inf, np.nan], [np.inf, -np.inf, 1.0]], margin=0.1, maximize=maximize)
        assert table.wins.tolist() == [[0, 1], [0, 0]]
        assert table.ties.tolist() == [[0, 1], [1, 0]]


def test_one_method_plays_nobody() -> None:
    table = win_table([[1.0, 2.0]], margin=0.0)
    assert (table.wins.tolist(), table.ties.tolist()) == ([[0]], [[0]])


@given(tables, st.sampled_from([0.0, 1.0]))
def test_every_dataset_that_both_ran_counts_once(figures: list[list[float]], margin: float) -> None:
    table = win_table(figures, margin)
    for a, b in np.ndindex(table.wins.shape):
        both = sum(not np.isnan(x) and not np.isnan(y) for x, y in zip(figures[a], figures[b], strict=True))
        assert table.wins[a, b] + table.ties[a, b] + table.losses[a, b] == (0 if a == b else both)


@pytest.mark.parametrize("margin", [-0.1, np.nan, np.inf])
def test_an_impossible_margin_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        win_table([[1.0]], margin)


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        win_table([[]], 0.1)

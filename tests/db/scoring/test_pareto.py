"""Pareto fronts, by hand and against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.scoring.pareto import membership_probability, pareto_front

points = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=15)
AXES = (True, False, False)


def test_by_hand() -> None:
    # accuracy up, time down: (0.9, 5) and (0.8, 1) stand; (0.8, 2) loses to the second; (0.7, 5) to both
    assert pareto_front([(0.9, 5), (0.8, 1), (0.8, 2), (0.7, 5)], (True, False)).tolist() == [True, True, False, False]


def test_equal_points_both_stand() -> None:
    assert pareto_front([(1, 1), (1, 1)], (True, False)).all()


def test_a_missing_value_is_the_worst() -> None:
    assert pareto_front([(0.9, np.nan), (0.9, 3)], (True, False)).tolist() == [False, True]


def test_epsilon_keeps_what_noise_would_remove() -> None:
    close = [(0.900, 1.0), (0.899, 1.0)]
    assert pareto_front(close, (True, False)).tolist() == [True, False]
    assert pareto_front(close, (True, False), (0.005, 0.0)).tolist() == [True, True]


@given(points)
def test_agrees_with_brute_force(entries: list[tuple[int, int, int]]) -> None:
    def dominates(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
        return a[0] >= b[0] and a[1] <= b[1] and a[2] <= b[2] and a != b

    expected = [not any(dominates(other, entry) for other in entries) for entry in entries]
    assert pareto_front(entries, AXES).tolist() == expected


@given(points)
def test_the_front_of_a_front_is_itself(entries: list[tuple[int, int, int]]) -> None:
    front = [entry for entry, stands in zip(entries, pareto_front(entries, AXES), strict=True) if stands]
    assert pareto_front(front, AXES).all()


def test_membership_of_clear_and_unclear_entrants() -> None:
    # equal time: the first is always better than the second; the third's mean beats the first's in about half the draws
    samples = [[(0.8, 1)] * 4, [(0.5, 1)] * 4, [(0.6, 1), (1.0, 1), (0.6, 1), (1.0, 1)]]
    first, second, third = membership_probability(samples, (True, False))
    assert second == 0
    # a tie keeps both: chance of mean >= 0.8 with 4 draws is 1 - (1 + 4) / 16 = 11 / 16
    assert third == pytest.approx(11 / 16, abs=0.05)
    assert first == pytest.approx(11 / 16, abs=0.05)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        pareto_front([(1, 2)], (True,))
    with pytest.raises(ValueError, match="epsilon"):
        pareto_front([(1, 2)], (True, False), (0.1,))

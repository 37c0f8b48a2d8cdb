"""Pareto fronts, by hand and against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.scoring.intervals import resample_weights
from db.scoring.pareto import front_probability, pareto_front

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


def test_probability_of_clear_and_unclear_entrants() -> None:
    # equal time: the second is always worse than the first; the third's mean beats the first's in about half the draws
    cells = [[(0.8, 1)] * 4, [(0.5, 1)] * 4, [(0.6, 1), (1.0, 1), (0.6, 1), (1.0, 1)]]
    first, second, third = front_probability(np.array(cells), (True, False), resamples=4_000)
    assert second == 0
    # a tie keeps both: chance of mean >= 0.8 with 4 draws is 1 - (1 + 4) / 16 = 11 / 16
    assert third == pytest.approx(11 / 16, abs=0.03)
    assert first == pytest.approx(11 / 16, abs=0.03)


def test_resamples_are_paired() -> None:
    # the first is better by 0.01 in every cell, however far the cells lie apart
    base = np.array([0.2, 0.5, 0.9, 0.4])
    cells = np.stack([base + 0.01, base], axis=0)[:, :, None]
    assert front_probability(np.concatenate([cells, np.ones_like(cells)], axis=2), (True, False)).tolist() == [1, 0]


def test_an_entrant_is_judged_in_the_cells_it_has() -> None:
    nan = np.nan
    # the second has two of four cells and is better there; the third has one, so its chance is unknown
    cells = np.array([[0.5, 0.5, 0.5, 0.5], [0.6, 0.6, nan, nan], [nan, nan, nan, 0.1]])[:, :, None]
    first, second, third = front_probability(cells, (True,), resamples=4_000)
    assert second == 1
    # the first stands only where none of the second's cells is drawn: (1/2)^4
    assert first == pytest.approx(1 / 16, abs=0.02)
    assert np.isnan(third)


@given(st.integers(0, 10_000))
def test_probability_agrees_with_a_front_of_each_resample(seed: int) -> None:
    random = np.random.default_rng(seed)
    cells = random.integers(0, 4, size=(8, 3, 2)).astype(float)
    cells[random.random(cells.shape) < 0.15] = np.nan
    found = front_probability(cells, (True, False), resamples=200)
    stands, parts = np.zeros(8), np.zeros(8)
    for weight in resample_weights(3, 200, 0).T:
        known = ~np.isnan(cells) * weight[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (np.nan_to_num(cells) * known).sum(axis=1) / known.sum(axis=1)
        there = known[:, :, 0].sum(axis=1) > 0
        parts += there
        stands[there] += pareto_front(means[there], (True, False))
    expected = np.where((~np.isnan(cells[:, :, 0])).sum(axis=1) >= 2, stands / np.maximum(parts, 1), np.nan)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_cost_that_was_not_measured_is_the_worst() -> None:
    cells = np.array([[(0.8, np.nan)] * 3, [(0.8, 5.0)] * 3])
    assert front_probability(cells, (True, False)).tolist() == [0, 1]


@given(points)
def test_without_spread_the_probability_is_the_front(entries: list[tuple[int, int, int]]) -> None:
    cells = np.repeat(np.array(entries, dtype=float)[:, None], 3, axis=1)
    assert front_probability(cells, AXES, resamples=20).tolist() == pareto_front(entries, AXES).astype(float).tolist()


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        pareto_front([(1, 2)], (True,))
    with pytest.raises(ValueError, match="epsilon"):
        pareto_front([(1, 2)], (True, False), (0.1,))

"""Resampling written out, on samples small enough for a pencil, and against the board's own functions."""

from __future__ import annotations

import numpy as np
import pytest

from bench.verification.resampling import front_probabilities, ratio_of_means, sign_flips
from db.scoring.intervals import bootstrap_intervals
from db.scoring.paired import sign_flip_test
from db.scoring.pareto import front_probability


def test_sign_flips_by_hand() -> None:
    # of the 8 patterns of 1, 2, 3 only +++ and --- reach 6
    assert sign_flips([1.0, 2.0, 3.0]) == 0.25
    assert sign_flips([1.0, -1.0]) == 1.0
    assert sign_flips([1.0]) is None


@pytest.mark.parametrize("count", [5, 12, 20])
def test_sign_flips_agree_with_the_board(count: int) -> None:
    sample = np.random.default_rng(count).normal(0.3, 1.0, count)
    assert sign_flips(sample.tolist()) == sign_flip_test(sample)


def test_a_ratio_of_one_pair_has_no_interval() -> None:
    assert ratio_of_means([2.0], [4.0]) == (0.5, None, None)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_a_ratio_agrees_with_the_board_to_the_last_digits(count: int) -> None:
    random = np.random.default_rng(count)
    above, below = random.uniform(1, 2, count), random.uniform(2, 3, count)
    board = bootstrap_intervals(lambda a, b: a / b, above[None], below[None], resamples=2_000).one(0)
    assert board is not None
    assert ratio_of_means(above.tolist(), below.tolist()) == pytest.approx(tuple(board), rel=1e-12)


def test_front_probabilities_agree_with_the_board() -> None:
    figures = np.random.default_rng(0).normal(size=(4, 6, 3))
    figures[1, 2:] = np.nan
    figures[2, :, 2] = np.nan
    figures[3, 1:] = np.nan
    plain = [[[None if np.isnan(v) else v for v in cell] for cell in entrant] for entrant in figures.tolist()]
    board = front_probability(figures, (True, False, False))
    found = front_probabilities(plain)
    # one cell shows no spread
    assert found[3] is None and np.isnan(board[3])
    assert found[:3] == pytest.approx(board[:3].tolist())

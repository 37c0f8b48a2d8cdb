"""Levels of a series, by hand and against all ways to cut it."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.scoring.changepoint import Segment, fit_segments, noise_scale

STEP = [0.0, 0.01, -0.01, 0.0, 0.01, 0.2, 0.21, 0.19, 0.2, 0.2]


def _total(values: np.ndarray, starts: tuple[int, ...], penalty: float) -> float:
    parts = np.split(values, starts[1:])
    return sum(((part - part.mean()) ** 2).sum() for part in parts) + penalty * (len(starts) - 1)


def test_noise_by_hand() -> None:
    # differences 1 -1 2 -4: sizes 1 1 2 4, median 1.5
    assert noise_scale([0, 1, 0, 2, -2]) == pytest.approx(1.4826022 * 1.5 / math.sqrt(2))


def test_noise_feels_neither_a_change_of_level_nor_an_odd_night() -> None:
    series = np.random.default_rng(0).normal(0, 1, 4000)
    assert noise_scale(series) == pytest.approx(1.0, abs=0.05)
    series[2000:] += 50
    series[1000] = -900
    assert noise_scale(series) == pytest.approx(1.0, abs=0.05)


def test_noise_skips_missing_nights() -> None:
    assert noise_scale([0, np.nan, 1, 0, np.nan, 2, -2]) == noise_scale([0, 1, 0, 2, -2])


def test_a_step_by_hand() -> None:
    assert fit_segments(STEP) == [Segment(0, 5, 5, pytest.approx(0.002)), Segment(5, 10, 5, pytest.approx(0.2))]


def test_a_hole_is_no_night_and_separates_nothing() -> None:
    series = [*STEP[:3], np.nan, np.nan, *STEP[3:5], np.nan, *STEP[5:], np.nan]
    first, second = fit_segments(series)
    assert (first.start, first.stop, first.nights) == (0, 7, 5)
    assert (second.start, second.stop, second.nights) == (8, 13, 5)
    assert [first.level, second.level] == pytest.approx([0.002, 0.2])
    flat = fit_segments([np.nan, 1.0, np.nan, 1.0, 1.0])
    assert flat == [Segment(1, 5, 3, 1.0)]


def test_one_odd_night_is_no_level() -> None:
    # ten times the noise: two levels of two nights would cost less than the residual of one
    series = np.random.default_rng(5).normal(0, 0.01, 40)
    series[20] += 0.03
    assert len(fit_segments(series)) == 1
    assert len(fit_segments(series, noise=0.001, shortest=1)) > 1


def test_the_penalty_decides() -> None:
    # the step lowers the squared residuals by 2 * 2 / 4 * 1 = 1
    series = [0.0, 0.0, 1.0, 1.0]
    assert len(fit_segments(series, noise=1.0, penalty=0.99)) == 2
    assert len(fit_segments(series, noise=1.0, penalty=1.01)) == 1


def test_a_series_without_noise_is_one_level_and_its_step_two() -> None:
    assert fit_segments([1.0] * 8) == [Segment(0, 8, 8, 1.0)]
    assert [segment.start for segment in fit_segments([1.0] * 5 + [1.1] * 4)] == [0, 5]


def test_short_series_are_one_segment() -> None:
    assert fit_segments([3.0]) == [Segment(0, 1, 1, 3.0)]
    assert fit_segments([0.0, 9.0, 0.0]) == [Segment(0, 3, 3, 3.0)]


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=9),
    st.sampled_from([0.3, 1.0, 2.5, 10.0]),
    st.integers(1, 3),
)
def test_agrees_with_all_ways_to_cut(numbers: list[int], penalty: float, shortest: int) -> None:
    values = np.array(numbers, dtype=float)
    count = len(values)
    ways = [(0, *cuts) for size in range(count) for cuts in combinations(range(1, count), size)]
    allowed = [w for w in ways if len(w) == 1 or min(np.diff([*w, count])) >= shortest]
    best = min(_total(values, way, penalty) for way in allowed)
    segments = fit_segments(values, noise=1.0, penalty=penalty, shortest=shortest)
    starts = tuple(segment.start for segment in segments)
    assert starts in allowed
    assert _total(values, starts, penalty) == pytest.approx(best)
    assert [segment.level for segment in segments] == pytest.approx([p.mean() for p in np.split(values, starts[1:])])


def test_levels_far_from_zero_keep_their_digits() -> None:
    assert [s.start for s in fit_segments(np.array(STEP) + 1e6)] == [0, 5]


def test_noise_alone_is_seldom_cut() -> None:
    random = np.random.default_rng(1)
    cut = sum(len(fit_segments(random.normal(0, 0.03, 60))) > 1 for _ in range(300))
    assert cut / 300 < 0.05


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="without a measured night"):
        fit_segments([])
    with pytest.raises(ValueError, match="without a measured night"):
        fit_segments([np.nan, np.nan])
    with pytest.raises(ValueError, match="finite"):
        fit_segments([1.0, np.inf])
    with pytest.raises(ValueError, match="finite"):
        fit_segments([[1.0, 2.0]])
    with pytest.raises(ValueError, match="two measured nights"):
        noise_scale([1.0, np.nan])
    for arguments in ({"noise": 0.0}, {"penalty": -1.0}, {"shortest": 0}):
        with pytest.raises(ValueError, match="positive"):
            fit_segments(STEP, **arguments)

"""Geometry of the trade-off picture."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.asv.sample_store import sample_trials
from bench.site.chart import HEIGHT, WIDTH, tradeoff
from db.scoring.board import BoardRow, board


@pytest.fixture(scope="module")
def row() -> BoardRow:
    found = [item for item in sample_trials() if item[2].strategy in ("full_batch", "cluster_gcn")][:20]
    rows = board([item[0] for item in found], {}, [item[2] for item in found], [item[1] for item in found])
    return next(each for each in rows if each.method != each.reference)


def _row(row: BoardRow, ratio: float | None, mean: float | None, **changes) -> BoardRow:
    spread = {"time_ratio_low": None, "time_ratio_high": None, "ci_low": None, "ci_high": None}
    return replace(row, time_ratio=ratio, mean=mean, **{**spread, **changes})


def test_half_and_double_are_equally_far_from_the_reference(row) -> None:
    chart = tradeoff([_row(row, ratio, 0.8) for ratio in (0.5, 1.0, 2.0)])
    half, one, double = (mark.x for mark in chart.marks)
    assert one - half == pytest.approx(double - one)
    assert half < one


def test_a_better_metric_is_higher_up_and_everything_is_inside(row) -> None:
    chart = tradeoff([_row(row, 0.01, 0.2), _row(row, 50.0, 0.9)])
    worse, better = chart.marks
    assert better.y < worse.y
    assert all(chart.left <= mark.x <= chart.right and chart.top <= mark.y <= chart.bottom for mark in chart.marks)
    assert (chart.width, chart.height) == (WIDTH, HEIGHT)


def test_ends_of_intervals_are_cut_at_the_frame(row) -> None:
    chart = tradeoff([_row(row, 1.0, 0.8, ci_low=-5.0, ci_high=0.8, time_ratio_low=1e-9, time_ratio_high=1.0)])
    [mark] = chart.marks
    assert (mark.y_low, mark.x_low) == (pytest.approx(chart.bottom), pytest.approx(chart.left))
    assert mark.x_high == mark.x


def test_one_row_without_spread_has_a_picture_too(row) -> None:
    chart = tradeoff([_row(row, 1.0, 0.8)])
    [mark] = chart.marks
    assert mark.x_low == mark.x == mark.x_high
    assert len(chart.x_ticks) == len(chart.y_ticks) == 5


def test_rows_without_a_ratio_or_a_metric_are_not_shown(row) -> None:
    assert tradeoff([_row(row, None, 0.8), _row(row, 1.0, None)]) is None
    assert tradeoff([]) is None

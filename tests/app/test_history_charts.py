"""Histories as pictures and words: the numbers behind them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from app.format import NOTHING
from app.history_charts import (
    QUANTITIES,
    course,
    history_chart,
    levels_frame,
    newest_first,
    overview_frame,
    points_frame,
    said,
)
from db.records import MachineRecord
from db.scoring.history import Point, Series

START = datetime(2026, 1, 1, 2, tzinfo=UTC)


def series(values: list[float], quantity: str = "time_ratio", method: str = "gcn+sgc", n: int = 10) -> Series:
    points = tuple(
        Point(f"s{index}", START + timedelta(days=index), f"c{index}", value, n) for index, value in enumerate(values)
    )
    return Series("cora", "1", method, "laptop", "cpu", "p1", quantity, points)


STEP = [0.50, 0.51, 0.49, 0.50, 0.51, 0.49, 0.50, 0.51, 0.99, 1.01, 1.00, 1.01, 0.99]


def test_a_slow_down_is_one_change_with_its_session_and_commit() -> None:
    found = course(series(STEP))
    (change,) = found.changes
    assert (change.index, change.at.session_id, change.at.code_version) == (8, "s8", "c8")
    assert change.said == "2.0x slower" and change.is_worse
    assert [(start, stop) for start, stop, _ in found.levels] == [(0, 8), (8, 13)]
    assert found.levels[1][2] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("quantity", "values", "words", "is_worse"),
    [
        ("memory_ratio", STEP[::-1], "2.0x less", False),
        ("memory_ratio", [1.0] * 6 + [1.004] * 6, "0.4 % more", True),
        ("difference", [0.02] * 6 + [0.01] * 6, "-1.00 points", True),
        ("difference", [-0.02] * 6 + [-0.01] * 6, "+1.00 points", False),
    ],
)
def test_changes_in_words(quantity: str, values: list[float], words: str, is_worse: bool) -> None:
    (change,) = course(series(values, quantity)).changes
    assert (change.said, change.is_worse) == (words, is_worse)


@pytest.mark.parametrize(
    ("quantity", "interval", "drawn", "words"),
    [
        ("time_ratio", (0.4, 0.6), (0.4, 0.6), "0.4 to 0.6"),
        ("difference", (-0.01, 0.02), (-1.0, 2.0), "-1.00 to +2.00"),
        ("time_ratio", (None, None), (None, None), NOTHING),
    ],
)
def test_a_point_stands_with_its_interval(quantity: str, interval: Any, drawn: Any, words: str) -> None:
    found = series([0.5], quantity)
    point = replace(found.points[0], low=interval[0], high=interval[1])
    frame = points_frame(course(replace(found, points=(point,))), {})
    [line] = frame.to_dict("records")
    assert line["interval"] == words
    assert (line["low"], line["high"]) == pytest.approx(drawn, nan_ok=True) if drawn[0] else pd.isna(line["low"])
    spec = history_chart(frame, levels_frame(course(found)), quantity).to_dict()
    assert {"field": "high"} in [layer["encoding"].get("y2") for layer in spec["layer"]]


def test_one_point_and_a_quiet_series_have_no_change() -> None:
    assert course(series([0.5])).changes == () and course(series([0.5])).levels == ((0, 1, pytest.approx(0.5)),)
    assert course(series(STEP[:8])).changes == ()


def test_the_newest_change_comes_first() -> None:
    old, quiet = course(series([1.0] * 4 + [2.0] * 9, method="old")), course(series(STEP[:8], method="quiet"))
    new = course(series(STEP, method="new"))
    found = newest_first([quiet, old, new])
    assert [each.series.method for each in found] == ["new", "old", "quiet"]
    frame = overview_frame(found, {"laptop": MachineRecord("laptop", "Acme 1", 2, 2**34)})
    assert frame["change"].tolist() == ["2.0x slower", "2.0x slower", "—"]
    assert frame["commit"].tolist() == ["c8", "c4", "—"]
    assert frame["sessions"].tolist() == [13, 13, 8]
    assert frame["machine"].tolist() == ["Acme 1, 2 cores"] * 3


def test_points_keep_their_session_and_levels_reach_to_the_next() -> None:
    found = course(series(STEP, n=9))
    points, levels = points_frame(found, {"s8": "trial?id=x"}), levels_frame(found)
    assert points.loc[8, ["session", "commit", "n", "change", "trial"]].tolist() == [
        "s8", "c8", 9, "2.0x slower", "trial?id=x",
    ]  # fmt: skip
    assert points["provisional"].all() and pd.isna(points.loc[7, "trial"])
    assert levels["start"].tolist() == [START, START + timedelta(days=8)]
    assert levels["end"].tolist() == [START + timedelta(days=8), START + timedelta(days=12)]


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_quantity_is_drawn(quantity: str) -> None:
    found = course(series(STEP, quantity))
    drawn: Any = history_chart(points_frame(found, {}), levels_frame(found), quantity).to_dict()
    assert QUANTITIES[quantity].title in str(drawn)
    assert ("'type': 'log'" in str(drawn)) == (quantity != "difference")
    assert said(0.5, "time_ratio") == "0.5, 2.0x faster" and said(0.0042, "difference") == "+0.42 points"

"""Which rows are drawn."""

from __future__ import annotations

from datetime import UTC, datetime

from app.paging import BY_DATASET, PAGE, drawn, ordered, page, pages


def test_rows_without_the_ratio_come_last(row) -> None:
    rows = [row(method="a", time_ratio=None), row(method="b", time_ratio=0.9), row(method="c", time_ratio=0.5)]
    assert [each.method for each in ordered(rows, "scored time ratio")] == ["c", "b", "a"]
    assert ordered(rows, BY_DATASET) == rows


def test_the_newest_come_first(row) -> None:
    rows = [row(measured_at=datetime(2026, 1, day, tzinfo=UTC)) for day in (1, 3, 2)]
    assert [each.measured_at.day for each in ordered(rows, "newest")] == [3, 2, 1]


def test_pages_hold_every_row_once() -> None:
    rows = list(range(2 * PAGE + 5))
    assert pages(rows) == 3
    assert [each for number in (1, 2, 3) for each in page(rows, number)] == rows
    assert drawn(rows, 3) == "Rows 201 to 205 of 205; a download holds all of them."
    assert (pages([]), pages(rows[:PAGE]), drawn(rows[:PAGE], 1)) == (1, 1, "")

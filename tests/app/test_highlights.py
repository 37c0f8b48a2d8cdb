"""The best rows."""

from __future__ import annotations

from app.highlights import highlights


def test_best_of_each_cost(row) -> None:
    rows = [
        row(method="accurate", mean=0.9, scored_seconds=9.0, peak_memory_bytes=9_000_000),
        row(method="quick", scored_seconds=1.0, peak_memory_bytes=8_000_000),
        row(method="small", scored_seconds=2.0, peak_memory_bytes=1_000_000),
        row(method="failed", mean=None, scored_seconds=0.1, peak_memory_bytes=10),
    ]
    found = [(title, figure, best.method) for title, figure, best in highlights(rows)]
    assert found == [
        ("Most accurate", "90.00 %", "accurate"),
        ("Least time", "1.00 s", "quick"),
        ("Least memory", "1 MB", "small"),
    ]


def test_nothing_measured_gives_nothing(row) -> None:
    assert highlights([row(mean=None)]) == []

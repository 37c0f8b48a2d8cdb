"""What the comparison of large graphs says of known figures, and one small real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import perf
from bench.perf import large_graphs
from bench.perf.contenders.large_graphs import measure

KEYS = ("seconds", "resident", "anonymous", "evaluation", "evaluation_seconds")


def test_growth_is_that_of_the_graph_on_disk_from_the_smallest_to_the_largest() -> None:
    found = {
        ("disk", 1): [dict.fromkeys(KEYS, 90.0), dict.fromkeys(KEYS, 110.0)],
        ("disk", 10): [dict.fromkeys(KEYS, 105.0)],
        ("device", 1): [dict.fromkeys(KEYS, 1.0)],
        ("device", 10): [dict.fromkeys(KEYS, 50.0)],
    }
    report = large_graphs.judge(found, {1: 100, 10: 1000}, {})
    assert [goal.value for goal in report.goals] == pytest.approx([1.05, 1.05, 1.05, 2.1])
    assert [goal.holds for goal in report.goals] == [True, True, True, False]
    [table] = report.tables
    assert [row[0] for row in table.rows] == [
        "100 nodes, device", "1,000 nodes, device", "100 nodes, disk", "1,000 nodes, disk",
    ]  # fmt: skip


def test_quick_run_measures_every_size_in_both_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # here, because six processes take longer to start than to measure
    monkeypatch.setattr(large_graphs, "call", lambda threads, function, **words: measure(**words))
    report = perf.load("large_graphs").run(perf.Options(rounds=1, quick=True, threads=1, cache_dir=tmp_path))
    [table] = report.tables
    assert len(table.rows) == 6
    assert all(figure.value > 0 for _, figures in table.rows for figure in figures)

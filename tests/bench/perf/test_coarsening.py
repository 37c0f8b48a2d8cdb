"""Draws and steps of every level are timed beside a full-batch step."""

from __future__ import annotations

import pytest

from bench import perf


@pytest.mark.slow
def test_quick_run_has_every_level_of_every_pooling() -> None:
    report = perf.load("coarsening").run(perf.Options(rounds=1, quick=True, threads=1))
    draws, steps = report.tables
    assert draws.baseline == steps.baseline == "one full-batch step"
    assert len(draws.rows) == 1 + 3 * 4 and len(steps.rows) == 1 + 3 * 3
    assert all(row.seconds > 0 and row.ratio is not None for row in draws.rows + steps.rows)
    # the control that the paper lacks has no goal to keep
    assert len(report.goals) == 9 + 6 and not any("heavy_edge" in goal.text for goal in report.goals)

"""Draws and steps of every level are timed beside a full-batch step, and steps must be cheaper level by level."""

from __future__ import annotations

import pytest

from bench import perf
from bench.perf.coarsening import falling
from bench.perf.interleave import Interleaved, Sample


@pytest.mark.slow
def test_quick_run_has_every_level_of_every_pooling() -> None:
    report = perf.load("coarsening").run(perf.Options(rounds=1, quick=True, threads=1))
    draws, steps = report.tables
    assert draws.baseline == steps.baseline == "one full-batch step"
    # at three levels four poolings that draw and two that make a hierarchy; METIS cuts once for all levels
    assert len(draws.rows) == 1 + 3 * (4 + 2) + 1 and len(steps.rows) == 1 + 3 * 5
    assert all(row.seconds > 0 and row.ratio is not None for row in draws.rows + steps.rows)
    assert len(report.goals) == 19 + 2 * 5 + 5
    # what the paper lacks is held against the same goals, and says what it is
    controls = [goal.text for goal in report.goals if goal.text.endswith("(control)")]
    assert len(controls) == 3 + 4 + 2 + 1 and all("heavy_edge" in text or "clusters" in text for text in controls)


def test_the_time_of_a_step_must_fall_with_the_level() -> None:
    seconds = {"full": 4.0, "a level 1": 2.0, "a level 2": 1.0, "b level 1": 2.0, "b level 2": 3.0}
    falls, rises = falling(Interleaved({name: [Sample(each)] for name, each in seconds.items()}), "full")
    assert (falls.value, falls.holds) == (pytest.approx(0.5), True)
    assert (rises.value, rises.holds) == (pytest.approx(1.5), False)

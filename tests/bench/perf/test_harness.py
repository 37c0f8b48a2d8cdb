"""The harness is compared with a bare loop, epoch by epoch."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import perf
from bench.perf.interleave import Interleaved, Sample


@pytest.mark.slow
def test_quick_run_pairs_each_epoch_with_a_bare_one(tmp_path: Path) -> None:
    report = perf.load("harness").run(perf.Options(rounds=1, quick=True, threads=1, cache_dir=tmp_path))
    assert [row.variant for row in report.tables[0].rows] == ["trial", "bare loop"]
    assert report.setting["epochs"] == 20
    assert report.goals[0].bound == pytest.approx(1.02) and report.goals[0].value is not None


def test_baseline_is_the_bare_loop() -> None:
    measured = Interleaved({"trial": [Sample(1.01)], "bare loop": [Sample(1.0)]})
    ratio = measured.ratio("trial", "bare loop")
    assert ratio is not None and ratio.value == pytest.approx(1.01)

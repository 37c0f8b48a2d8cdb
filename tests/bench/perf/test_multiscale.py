"""What the comparison of multiscale strategies says of trials whose figures are known, and one small real run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import perf
from bench.perf import multiscale
from bench.perf.report import Report
from db.records import DatasetRecord, Ledger, MethodRecord, Status, TrialRecord
from db.scoring.board import board
from db.scoring.curve import Curve

DATASET = DatasetRecord("cora", "1", "ab", 9, 9, 3, 2, 1, "node", "accuracy", 0.5, None)


def trial(method: str, seed: int, scored: float, peak: int, test: float) -> TrialRecord:
    fields: dict[str, Any] = {
        "trial_id": f"{method}/{seed}", "fingerprint": f"{method}/{seed}", "session_id": "s", "machine_id": "m",
        "dataset": "cora", "dataset_version": "1", "method": method, "protocol": "p", "protocol_settings": {},
        "preset": None, "split": 0, "seed": seed, "repeat": 0, "device": "cpu", "status": Status.FINISHED,
        "started_at": datetime.now(UTC), "ledger": Ledger(0, 0, 0, scored, 0, 0, 0, scored), "test_metric": test,
        "peak_memory_bytes": peak,
    }  # fmt: skip
    return TrialRecord(**fields)


def curve(seconds: list[float], metrics: list[float]) -> Curve:
    zeros = np.zeros(len(seconds), dtype=np.int64)
    return Curve(zeros, zeros, np.array(seconds), np.zeros(len(seconds)), np.array(metrics), zeros, zeros)


def judge(trials: list[TrialRecord], curves: dict[str, Curve]) -> Report:
    names = {trial.method for trial in trials}
    methods = [MethodRecord(name, "gcn", name[4:], None, None, "training", "gcn+full_batch") for name in names]
    return multiscale.judge(trials, board(trials, curves, methods, [DATASET]), curves, {})


@pytest.fixture
def judged() -> Report:
    """Full batch needs 8 of its 10 s; coarse-to-fine 4 of 6 s; sub-to-full never gets there."""
    curves, trials = {}, []
    for seed in range(3):
        figures = {
            "gcn+full_batch": (10.0, 1000, 0.800, [5.0, 8.0, 10.0], [0.5, 0.99, 1.0]),
            "gcn+coarse_to_fine": (6.0, 900, 0.801 + 0.0001 * seed, [2.0, 4.0, 6.0], [0.6, 0.995, 0.9]),
            "gcn+sub_to_full": (5.0, 400, 0.700, [2.0, 5.0], [0.6, 0.7]),
        }
        for method, (scored, peak, test, seconds, metrics) in figures.items():
            trials.append(trial(method, seed, scored, peak, test))
            curves[f"{method}/{seed}"] = curve(seconds, metrics)
    return judge(trials, curves)


def test_times_to_target_are_held_against_the_whole_and_against_the_same_target(judged: Report) -> None:
    whole, own = judged.tables
    reference, coarse, missed = whole.rows
    assert (reference.seconds, coarse.seconds) == (10.0, 4.0)
    assert coarse.ratio is not None and coarse.ratio.value == pytest.approx(0.4)
    assert own.rows[0].seconds == 8.0 and own.rows[1].ratio is not None
    assert own.rows[1].ratio.value == pytest.approx(0.5)
    # a miss is charged with all its time and named
    assert missed.variant == "sub_to_full (reached it in 0%)" and missed.seconds == 5.0


def test_only_what_reaches_the_target_can_keep_a_goal(judged: Report) -> None:
    time, memory, same = judged.goals
    assert time.value == pytest.approx(0.4) and time.holds
    # the small one missed the target, so that its memory does not count
    assert memory.value == pytest.approx(0.9) and not memory.holds
    assert "coarse_to_fine" in same.text and same.value is not None and same.holds


def test_no_candidate_that_reaches_the_target_keeps_no_goal() -> None:
    trials = [trial(method, 0, 10.0, 100, 0.5) for method in ("gcn+full_batch", "gcn+coarse_to_fine")]
    curves = {"gcn+full_batch/0": curve([5.0], [1.0]), "gcn+coarse_to_fine/0": curve([5.0], [0.5])}
    report = judge(trials, curves)
    assert [goal.value for goal in report.goals] == [None, None, None]
    assert not report.holds


@pytest.mark.usefixtures("trials_here")
def test_quick_run_trains_the_first_methods(tmp_path: Path) -> None:
    report = perf.load("multiscale").run(perf.Options(rounds=1, quick=True, threads=1, cache_dir=tmp_path))
    whole, own = report.tables
    assert len(whole.rows) == len(own.rows) > 3
    assert all(row.seconds > 0 and row.peak_bytes for row in whole.rows)
    assert report.setting["seeds"] == 1

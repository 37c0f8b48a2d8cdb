"""The comparison of rescalers: what is taken from stored trials, and one small real run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench import perf
from bench.perf import rescaling
from bench.perf.report import Figures, Table
from db.records import MethodRecord, TrialRecord
from db.scoring.curve import Curve

METHODS = [
    MethodRecord("gat+full_batch", "gat", "full_batch", None, None, "training", "gat+full_batch"),
    MethodRecord("gat+full_batch+dr_rg", "gat", "full_batch", "dr_rg", None, "training", "gat+full_batch"),
    MethodRecord("gat+full_batch+layer_focus", "gat", "full_batch", "layer_focus", None, "training", "gat+full_batch"),
]


def test_stored_trials_give_the_study_and_the_effects(make_trial: Callable[..., TrialRecord]) -> None:
    trials = [make_trial(method.name, 0.95, seed=seed) for method in METHODS for seed in range(3)]
    numbers = np.arange(2)
    curve = Curve(numbers, numbers, numbers * 1.0, np.array([0.2, 0.05]), numbers * 1.0, numbers, numbers)
    report = rescaling.judge(trials, METHODS, {trial.trial_id: curve for trial in trials}, {"suites": "made up"})
    study, effects = report.tables
    assert study.title == "cora, gat" and len(study.rows) == 3
    assert effects.title.startswith("dr_rg minus none") and len(effects.rows) == 1
    # the accuracy is too low, the first layer is as quick as the next best, and there are three pairs
    assert [goal.holds for goal in report.goals] == [False, True, True]
    assert report.setting == {"suites": "made up"}


def test_a_dataset_without_focus_has_no_study(make_trial: Callable[..., TrialRecord]) -> None:
    report = rescaling.judge([make_trial("gat+full_batch", 0.95)], METHODS, {}, {})
    assert report.tables == []


@pytest.mark.usefixtures("trials_here")
def test_quick_run_times_and_trains_every_kind_of_variant(tmp_path: Path) -> None:
    report = perf.load("rescaling").run(perf.Options(rounds=1, quick=True, threads=1, cache_dir=tmp_path))
    cost, study, *effects = report.tables
    assert isinstance(cost, Table) and isinstance(study, Figures)
    assert [row.variant for row in cost.rows] == [
        "neither", "dr_w", "dr_rg", "dr_c", "dynamics recorded every 10 epochs",
    ]  # fmt: skip
    assert all(row.ratio is not None for row in cost.rows)
    assert [label.partition(" (")[0] for label, _ in study.rows] == ["lr 0.001, none", "lr 0.001, layer_focus(layer=1)"]
    assert all(figures[0] is not None and figures[1] is not None for _, figures in study.rows)
    assert [table.title for table in effects] == ["dr_rg minus none: test metric"]
    assert [goal.bound for goal in report.goals[:3]] == pytest.approx([1.05, 1.05, 1.03])
    assert report.goals[-1].value == 1

"""Trials in processes of their own: what they report, which labels they get, and that they repeat bit for bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.clock import ACCOUNTS
from bench.datasets.graph_data import GraphData
from bench.dynamics import OF_LAYERS, OF_UNITS, QUANTILES
from bench.protocol import Protocol
from bench.trial import _missed, pose
from db.read import Reader
from db.records import Status

SMALL = "gcn(layers=2,hidden=8)"
REFERENCE = f"{SMALL}+full_batch"
ATTENTION = "gat(layers=2,hidden=8,heads=2,attention_dropout=0.4)"


def test_a_sealed_dataset_poses_a_problem_with_training_labels_only(blocks: GraphData) -> None:
    split = blocks.splits[2]
    sealed = blocks.sealed(2)
    assert (sealed.y[split.test] == -1).all()
    problem, evaluator = pose(sealed, 0, torch.device("cpu"))
    expected = np.full(blocks.nodes, -1)
    expected[split.train] = blocks.y[split.train]
    assert problem.graph.y.tolist() == expected.tolist()
    assert problem.graph.train_mask.nonzero().squeeze(1).tolist() == sorted(split.train.tolist())
    assert np.array_equal(evaluator.valid_labels, blocks.y[split.valid])
    assert (problem.task, problem.out_features) == ("multiclass", 3)


def test_a_binary_set_has_one_output(grid: GraphData) -> None:
    problem, evaluator = pose(grid.sealed(0), 0, torch.device("cpu"))
    assert (problem.task, problem.out_features, evaluator.metric) == ("binary", 1, "roc_auc")


def test_no_hidden_label_is_in_the_memory_of_a_trial(ran) -> None:
    # the strategy of this trial looks for them and fails when it finds any
    assert ran.row(f"{SMALL}+watches_labels").status is Status.FINISHED


def test_the_ledger_of_a_trial_closes_and_no_part_is_negative(ran) -> None:
    ledger = ran.row(REFERENCE, seed=0).ledger
    parts = {name: getattr(ledger, name) for name in ACCOUNTS}
    assert min(parts.values()) >= 0
    assert sum(parts.values()) == pytest.approx(ledger.wall, rel=0.01)
    assert ledger.scored == ledger.preprocess + ledger.compile + ledger.train
    assert min(ledger.load, ledger.preprocess, ledger.train, ledger.evaluate, ledger.checkpoint) > 0


def test_a_trial_reports_what_was_measured_and_why_something_was_not(ran) -> None:
    row = ran.row(REFERENCE, seed=0)
    assert row.peak_memory_bytes > 0
    headline = row.memory["rss_above_start"]
    assert headline["bytes"] == row.peak_memory_bytes
    assert "resident" in headline["definition"]
    if row.energy_joules is None:
        assert row.energy["reason"]
    else:
        assert row.energy_joules > 0
    # one hidden layer: 7 features (one-hot counts) and a bias to 8, then 8 and a bias to 1
    weights = 8 * 7 + 8 + 8 + 1
    assert (row.parameters, row.model_bytes) == (weights, 4 * weights)
    assert row.inference_seconds > 0
    assert (row.node_visits, row.epochs) == (6 * 144, 6)
    allocator = row.environment["allocator"]
    assert allocator["threads"]["OMP_NUM_THREADS"] == "1"
    assert allocator["huge_pages_in_force"] in (True, False)
    assert row.environment["warm_up_seconds"] > 0
    assert row.environment["strategy"] == {"one_node_steps": 0}


def test_the_curve_has_every_evaluation_and_its_best_is_the_row(ran) -> None:
    row = ran.row(REFERENCE, seed=0)
    curve = Reader(ran.store).curves([row.trial_id])[row.trial_id]
    assert curve.epoch.tolist() == [1, 2, 3, 4, 5, 6]
    assert (np.diff(curve.scored_seconds) > 0).all()
    best = int(np.argmax(curve.validation_metric))
    assert row.selected_epoch == curve.epoch[best]
    assert row.validation_metric == curve.validation_metric[best]


def test_a_trial_leaves_its_dynamics_and_says_that_no_rescaler_ran(ran) -> None:
    row = ran.row(REFERENCE, seed=0)
    assert row.environment["rescaler"] is None
    dynamics = Reader(ran.store).dynamics(row.trial_id)
    assert set(dynamics) == {*OF_LAYERS, *OF_UNITS, "dirichlet_energy"}
    # six epochs, so that only the first is sampled; two layers with one group of units between
    assert {tuple(series.epochs.tolist()) for series in dynamics.values()} == {(0,)}
    assert dynamics["relative_gradient_norm"].values.shape == (1, 2)
    assert dynamics["relative_gradient_imbalance"].values.shape == (1, 1, len(QUANTILES))
    assert np.isnan(dynamics["attention_relative_gradient_norm"].values).all()
    assert dynamics["dirichlet_energy"].values.shape == (1, 3)
    assert (dynamics["weight_norm"].values > 0).all()


@pytest.mark.usefixtures("trials_here")
def test_protocol_decides_on_dynamics_and_a_rescaler_says_its_facts(harness, tmp_path: Path) -> None:
    store = tmp_path / "s.duckdb"
    harness.run(harness.plan(f"{SMALL}+full_batch+says_facts", dynamics_every=2), store)
    harness.run(harness.plan(SMALL, dynamics_every=0), store)
    rows = {(row.method, row.protocol_settings["dynamics_every"]): row for row in Reader(store).trials()}
    rescaled = rows[f"{SMALL}+full_batch+says_facts", 2]
    assert rescaled.environment["rescaler"] == {"steps": 6}
    assert Reader(store).dynamics(rescaled.trial_id)["weight_norm"].epochs.tolist() == [0, 2, 4]
    assert Reader(store).dynamics(rows[REFERENCE, None].trial_id) == {}


def test_a_missed_target_says_the_best_metric_whatever_selected() -> None:
    curve = [{"validation_metric": value} for value in (0.5, 0.75, 0.25)]
    said = _missed(Protocol(target=0.9, select_by="balanced_accuracy"), curve)
    assert said == "the best validation metric was 0.7500; the target was 0.9"


def figures(store: Path, trial_id: str) -> list[list[float]]:
    curve = Reader(store).curves([trial_id])[trial_id]
    return [curve.train_loss.tolist(), curve.validation_metric.tolist()]


def test_one_seed_gives_one_curve_bit_for_bit_and_another_seed_another(ran) -> None:
    # the strategy that watches takes the same steps as full batch, in another process, dropout included
    first, again = ran.row(REFERENCE, seed=0), ran.row(f"{SMALL}+watches_labels")
    assert figures(ran.store, first.trial_id) == figures(ran.store, again.trial_id)
    assert first.test_metric == again.test_metric
    other = ran.row(REFERENCE, seed=1)
    assert figures(ran.store, first.trial_id)[0] != figures(ran.store, other.trial_id)[0]


def test_attention_with_dropout_repeats_bit_for_bit_two_jobs_at_a_time(harness, tmp_path: Path) -> None:
    trials = harness.plan(ATTENTION, repeats=2)
    report, _ = harness.run(trials, tmp_path / "two.duckdb", jobs=2)
    assert report.all_well
    rows = Reader(tmp_path / "two.duckdb").trials()
    assert sorted(row.repeat for row in rows) == [0, 1]
    assert figures(tmp_path / "two.duckdb", rows[0].trial_id) == figures(tmp_path / "two.duckdb", rows[1].trial_id)
    assert rows[0].test_metric == rows[1].test_metric


def test_matrix_products_have_the_precision_of_the_protocol(ran, harness, tmp_path: Path) -> None:
    assert ran.row(REFERENCE, seed=0).environment["matmul_precision"] == "highest"
    store = tmp_path / "medium.duckdb"
    harness.run(harness.plan(SMALL, matmul_precision="medium"), store)
    [row] = Reader(store).trials()
    assert row.environment["matmul_precision"] == "medium"


def test_a_trial_ends_itself_when_its_parent_is_gone(tmp_path: Path, child_environment: dict[str, str]) -> None:
    document = {
        "dataset": "minesweeper-grid(side=12)", "data_dir": None, "cache_dir": None, "split": 0, "seed": 0,
        "method": f"{SMALL}+never_ends", "protocol": Protocol(threads=1).settings(), "device": "cpu",
        "started_ns": time.perf_counter_ns(),
    }  # fmt: skip
    (tmp_path / "trial.json").write_text(json.dumps(document))
    held, kept = os.pipe()
    trial = subprocess.Popen(
        [sys.executable, "-m", "bench.trial", str(tmp_path)], stdin=held, stdout=subprocess.PIPE, text=True,
        env=child_environment,
    )  # fmt: skip
    os.close(held)
    assert trial.stdout is not None
    with trial.stdout:
        assert json.loads(trial.stdout.readline()) == {"stage": "loading"}
        os.close(kept)  # what the system does when the parent is killed
        assert trial.wait(60) == 1
    assert not (tmp_path / "result.json").exists()

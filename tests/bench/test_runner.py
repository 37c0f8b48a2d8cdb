"""The runner: every way a trial can end, what is stored of it, and what a second run does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.datasets import registry
from bench.errors import BenchError, UsageError
from bench.runner import Options, method_record
from db.read import Reader
from db.records import Status
from methods.method import Method

GRID = "minesweeper-grid(side=12)"
SMALL = "gcn(layers=2,hidden=8)"
REFERENCE = f"{SMALL}+full_batch"


def test_every_trial_of_the_plan_becomes_one_row(ran) -> None:
    planned = Counter((trial.dataset, trial.method.name, trial.split, trial.seed) for trial in ran.trials)
    assert Counter((row.dataset, row.method, row.split, row.seed) for row in ran.rows()) == planned
    assert len(ran.report.records) == len(ran.trials)
    assert ran.diary.plans == [(len(ran.trials), 0)]
    assert sorted(ran.diary.ended_names) == sorted(trial.method.name for trial in ran.trials)
    assert not ran.report.all_well


def test_a_finished_trial_has_its_metric_and_its_settings(ran) -> None:
    row = ran.row(REFERENCE, seed=0)
    assert (row.status, row.reason, row.log_tail) == (Status.FINISHED, None, None)
    assert 0 <= row.test_metric <= 1
    assert row.protocol_settings == ran.trials[0].protocol.settings()
    assert row.protocol == ran.trials[0].protocol.key()
    assert set(row.further_metrics) == {"test_balanced_accuracy", "validation_balanced_accuracy"}
    assert all(0 <= value <= 1 for value in row.further_metrics.values())
    assert (row.device, row.attempt, row.trust.value) == ("cpu", 1, "measured_here")


def test_a_missed_target_keeps_its_metric_and_says_the_distance(ran) -> None:
    row = ran.row(REFERENCE, seed=1)
    assert row.status is Status.MISSED_TARGET
    assert row.reason == f"the best validation metric was {row.validation_metric:.4f}; the target was 0.999"
    assert row.test_metric is not None


def test_a_plug_in_that_raises_is_a_crash_with_its_sentence_and_its_traceback(ran) -> None:
    row = ran.row(f"{SMALL}+raises_late")
    assert row.status is Status.CRASHED
    assert row.reason == "ValueError: the sampler lost"
    assert "misbehaving.py" in row.log_tail
    assert "its way" in row.log_tail
    assert (row.test_metric, row.validation_metric, row.further_metrics) == (None, None, None)
    assert row.ledger.wall > 0


def test_a_strategy_that_writes_to_the_mask_is_found_out(ran) -> None:
    row = ran.row(f"{SMALL}+writes_mask")
    assert row.status is Status.CRASHED
    assert row.reason == "the training mask changed during training; a strategy must not write to the problem"
    assert row.test_metric is None


def test_divergence_is_a_crash(ran) -> None:
    row = ran.row(f"{SMALL}+full_batch+diverges")
    assert row.status is Status.CRASHED
    assert row.reason.endswith("the method has diverged") or row.reason.endswith("the model has diverged")


def test_a_network_far_too_wide_is_out_of_memory(ran) -> None:
    row = ran.row("gcn(hidden=2000000)+full_batch")
    assert row.status is Status.OUT_OF_MEMORY
    # 2,000,000 x 2,000,000 weights of 4 bytes
    assert row.reason == "the trial asked for 16,000.0 GB of memory at once, more than the device could give"
    assert row.peak_memory_bytes is None


def test_what_a_plug_in_prints_disturbs_no_event(ran) -> None:
    events = [event for name, event in ran.diary.events if name == f"{SMALL}+raises_late"]
    assert events[0] == {"stage": "loading"}
    assert all({"epoch", "validation_metric", "spent"} <= set(event) for event in events[1:])


def test_the_store_knows_dataset_methods_session_and_machine(ran) -> None:
    reader = Reader(ran.store)
    [dataset] = reader.datasets()
    assert (dataset.name, dataset.nodes, dataset.metric) == (GRID, 144, "roc_auc")
    methods = {method.name: method for method in reader.methods()}
    assert methods[f"{SMALL}+watches_labels"].reference == REFERENCE
    assert methods[REFERENCE].reference == REFERENCE
    [session], [machine] = reader.sessions(), reader.machines()
    assert session.machine_id == machine.machine_id == ran.rows()[0].machine_id
    assert session.finished_at > session.started_at
    assert (session.environment["threads"], session.environment["jobs"]) == (1, 2)
    assert session.calibration_before == session.calibration_after == {"gemm": 0.01}


def test_a_second_run_has_nothing_to_do(ran, harness) -> None:
    before = {row.trial_id for row in ran.rows()}
    report, diary = harness.run(ran.trials, ran.store, jobs=2)
    assert (report.skipped, report.records, diary.plans) == (len(ran.trials), [], [(0, len(ran.trials))])
    assert {row.trial_id for row in ran.rows()} == before


def test_failed_trials_run_again_only_when_asked(harness, tmp_path: Path) -> None:
    _, candidate = harness.plan(f"{SMALL}+never_ends")
    trials = [candidate]
    store = tmp_path / "retry.duckdb"
    first, _ = harness.run(trials, store, timeout=1.0)
    [row] = first.records
    assert row.status is Status.TIMED_OUT
    assert row.reason == "killed after 1 s of wall time"
    again, diary = harness.run(trials, store, timeout=1.0)
    assert (again.skipped, again.failed_before, again.all_well) == (1, 1, False)
    assert diary.notices == ["1 stored trials failed before; --retry-failed runs them again"]
    second, _ = harness.run(trials, store, timeout=1.0, retry_failed=True)
    assert (second.skipped, len(second.records)) == (0, 1)
    [stored] = Reader(store).trials()
    assert (stored.trial_id, stored.attempt) == (second.records[0].trial_id, 2)


def test_a_dataset_that_cannot_be_had_is_reported_and_the_others_run(harness, tmp_path: Path) -> None:
    trials = harness.plan(SMALL, dataset="arxiv-structural") + harness.plan(SMALL)
    report, diary = harness.run(trials, tmp_path / "s.duckdb", timeout=1.0)
    assert [row.dataset for row in report.records] == [GRID]
    assert report.missing == diary.notices
    assert "arxiv-structural" in report.missing[0]
    assert not report.all_well


def test_a_plan_without_any_data_is_an_error(harness, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="arxiv-structural"):
        harness.run(harness.plan(SMALL, dataset="arxiv-structural"), tmp_path / "s.duckdb")
    assert not (tmp_path / "s.duckdb").exists()


@pytest.mark.parametrize("device", ["tpu", "cpu:1", "cuda:x", "cudax", ""])
def test_an_unknown_device_is_named(harness, tmp_path: Path, device: str) -> None:
    with pytest.raises(UsageError, match=f"no device is called '{device}'; choose cpu, cuda or cuda:1"):
        harness.run(harness.plan(SMALL), tmp_path / "s.duckdb", device=device)


def test_a_split_that_is_not_there_is_named(harness, tmp_path: Path) -> None:
    [trial] = harness.plan(SMALL)
    splits = len(registry.load(GRID, cache_dir=harness.cache).splits)
    wrong = type(trial)(**{**vars(trial), "split": splits})
    with pytest.raises(UsageError, match=rf"has splits 0 to {splits - 1}; there is no split {splits}"):
        harness.run([wrong], tmp_path / "s.duckdb")


def test_threads_are_shared_between_jobs() -> None:
    assert Options(store="s", threads=3, jobs=2).threads_per_trial() == 3
    assert Options(store="s", jobs=10_000).threads_per_trial() == 1


def test_what_is_kept_of_a_method() -> None:
    record = method_record(Method.parse("gcn(hidden=8)+full_batch(graphs_per_step=2)"))
    assert record.name == "gcn(hidden=8)+full_batch(graphs_per_step=2)"
    assert (record.backbone, record.strategy) == ("gcn(hidden=8)", "full_batch(graphs_per_step=2)")
    assert (record.rescaler, record.quantizer, record.track) == (None, None, "training")
    assert record.reference == "gcn(hidden=8)+full_batch"

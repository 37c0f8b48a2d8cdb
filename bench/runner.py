"""The runner: plan -> trials -> executor -> store. Trials have processes of their own; this one keeps the books."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

from bench.allocator import trial_environment
from bench.datasets import registry
from bench.datasets.graph_data import GraphData
from bench.errors import BenchError, DataError, UsageError
from bench.executors.choice import Choice, Executor, Limits, opened
from bench.executors.trial_process import Ended
from bench.identifiers import uuid7
from bench.meters import hardware
from bench.parallel import check_devices
from bench.plan import PlannedTrial
from bench.scorer import score
from bench.sessions import Sessions
from db.records import CurvePoint, DynamicsRecord, Ledger, MethodRecord, SessionRecord, Status, TrialRecord
from db.store import Store
from methods.method import Method

PATIENCE = 600.0
"""Seconds that the row of a finished trial, and its session, wait for a store that another process holds."""


@dataclass(frozen=True)
class Options:
    """How to run, as opposed to what.

    Attributes:
        store: path or URL.
        data_dir, cache_dir: see `bench.datasets.registry`.
        device: `cpu`, `cuda` or `cuda:1`.
        jobs: trials at a time; with `--executor ray` on each machine.
        threads: CPU threads a trial, or None for all cores divided by `jobs`.
        timeout: wall seconds a trial.
        minutes: after which no trial is started any more, or None.
        retry_failed: run trials again that failed before.
        suite: name for the record.
        command: the command line, for the record.
        occasion: goes into the fingerprints, so that trials which are stored already run again on a new one: the night
            of a nightly.
        executor: what runs the trials.
    """

    store: str
    data_dir: str | None = None
    cache_dir: str | None = None
    device: str = "cpu"
    jobs: int = 1
    threads: int | None = None
    timeout: float = 3600.0
    minutes: float | None = None
    retry_failed: bool = False
    suite: str | None = None
    command: str = ""
    occasion: str = ""
    executor: Choice = field(default_factory=Choice)

    def threads_per_trial(self, cores: int | None = None) -> int:
        """CPU threads of a trial on a machine of that many cores; None is this machine."""
        return self.threads or max(1, (cores or hardware.usable_cores()) // self.jobs)


class Listener(Interface):
    """Who wants to see a run."""

    def planned(self, total: int, skipped: int) -> None: ...

    def progress(self, trial: PlannedTrial, event: dict[str, Any]) -> None: ...

    def ended(self, trial: PlannedTrial, record: TrialRecord) -> None: ...

    def notice(self, sentence: str) -> None: ...


@dataclass
class Report:
    """What a run did.

    Attributes:
        records: of the trials run now.
        skipped: trials that were in the store already.
        failed_before: those of them that have no metric.
        interrupted: whether the user stopped it.
        missing: one sentence a dataset that could not be had.
    """

    records: list[TrialRecord] = field(default_factory=list)
    skipped: int = 0
    failed_before: int = 0
    interrupted: bool = False
    missing: list[str] = field(default_factory=list)

    @property
    def all_well(self) -> bool:
        failed = [record for record in self.records if not record.status.has_metric]
        return not (failed or self.failed_before or self.missing or self.interrupted)


def run(trials: Sequence[PlannedTrial], options: Options, listener: Listener) -> Report:
    """Run trials that the store does not have yet, and store each as it ends.

    Raises:
        BenchError: the device or the executor is not there, or no dataset of the plan could be had.
        StoreError: the store cannot be written; what is in it stays.
    """
    if not re.fullmatch(r"cpu|cuda(:\d+)?", options.device):
        raise UsageError(f"no device is called '{options.device}'; choose cpu, cuda or cuda:1")
    limits = Limits(options.device, options.jobs, options.threads, options.timeout, options.minutes, options.cache_dir)
    with (
        tempfile.TemporaryDirectory(prefix="leangnn-") as scratch,
        opened(options.executor, Path(scratch), limits) as executor,
    ):
        shared = dataclasses.replace(options, threads=options.threads_per_trial(executor.cores))
        return _run(trials, shared, listener, executor)


def _run(trials: Sequence[PlannedTrial], options: Options, listener: Listener, executor: Executor) -> Report:
    report = Report()
    trials = [_with_its_share(trial, options) for trial in trials]
    datasets = _prepare(trials, options, report, listener)
    store, machine, code = Store(options.store), executor.kind.machine, executor.kind.code
    if options.device.startswith("cuda") and machine.gpu_model is None:
        raise BenchError("there is no CUDA device on this machine; run with --device cpu")
    if options.executor.name == "local":  # elsewhere the trials themselves look what GPUs there are
        check_devices(options.device, max((trial.protocol.processes for trial in trials), default=1))
    hardware_class = hardware.hardware_class(machine, options.device)
    marked = {
        trial: trial.fingerprint(datasets[trial.dataset].version, hardware_class, code + options.occasion)
        for trial in trials
        if trial.dataset in datasets
    }
    todo = _without_done(marked, store, options.retry_failed, report)
    listener.planned(len(todo), report.skipped)
    if report.failed_before:
        listener.notice(f"{report.failed_before} stored trials failed before; --retry-failed runs them again")
    if not todo:
        return report
    niceness = max((node.environment["niceness"] for node in executor.nodes.values()), default=0)
    if niceness > 0 and options.executor.name != "local":
        listener.notice(
            f"trials have niceness {niceness} there, so other work comes before them and their times suffer; "
            "start the machines of a Ray cluster with RAY_worker_niceness=0"
        )
    wanted = {trial.dataset: datasets[trial.dataset].sha256 for trial in todo}
    executor.prepare(wanted, options.data_dir, options.cache_dir)
    # a finished trial is worth more patience than a command that has only just been typed
    patient = Store(options.store, deadline=PATIENCE)
    sessions = Sessions(patient, executor, _session(options, code), calibrate, options)
    sessions.open(store)
    make_record = partial(_record, marked=marked, device=options.device, datasets=datasets)
    documents = [_document(trial, options) for trial in todo]
    with _stopped_by_interrupt(executor, report):
        for item in executor.run(documents, lambda index, event: listener.progress(todo[index], event)):
            trial = todo[item.index]
            record = make_record(trial, item, sessions.of(item.node))
            patient.record_trial(record, datasets[trial.dataset].record(), method_record(trial.method))
            report.records.append(record)
            listener.ended(trial, record)
    left = len(todo) - len(report.records)
    if left and not report.interrupted:
        listener.notice(f"the {options.minutes:g} minutes are over; {left} trials are left, run again to go on")
    for sentence in sessions.finish(report.interrupted):
        listener.notice(sentence)
    return report


def _with_its_share(trial: PlannedTrial, options: Options) -> PlannedTrial:
    """The trial with its share of the machine settled."""
    threads = trial.protocol.threads or options.threads_per_trial()
    protocol = dataclasses.replace(trial.protocol, threads=threads, jobs=options.jobs)
    return dataclasses.replace(trial, protocol=protocol)


@contextmanager
def _stopped_by_interrupt(executor: Executor, report: Report) -> Iterator[None]:
    """Let the first Ctrl-C end the running trials and no more, so that none is lost while its row is written."""

    def stop(number: int, frame: Any) -> None:
        report.interrupted = True
        signal.signal(signal.SIGINT, before)
        executor.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def calibrate(options: Options) -> dict[str, float] | None:
    """Time the fixed kernels of `bench.meters.calibration` in a process of their own; None where that fails."""
    threads = options.threads_per_trial()
    command = [sys.executable, "-P", "-m", "bench.meters.calibration"]
    command += ["--device", options.device, "--threads", str(threads)]
    done = subprocess.run(command, env=trial_environment(os.environ, threads), capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def method_record(method: Method) -> MethodRecord:
    """What the store keeps of a method."""
    return MethodRecord(
        name=method.name,
        backbone=str(method.backbone),
        strategy=str(method.strategy),
        rescaler=None if method.rescaler is None else str(method.rescaler),
        quantizer=None if method.quantizer is None else str(method.quantizer),
        track=method.track,
        reference=method.reference.name,
    )


def _prepare(
    trials: Sequence[PlannedTrial], options: Options, report: Report, listener: Listener
) -> dict[str, GraphData]:
    """Load every dataset once, so that no trial pays for preparing it; one that cannot be had is reported."""
    datasets: dict[str, GraphData] = {}
    for name in dict.fromkeys(trial.dataset for trial in trials):
        try:
            datasets[name] = registry.load(name, options.data_dir, options.cache_dir)
        except DataError as error:
            report.missing.append(str(error))
    if report.missing and not datasets:
        raise DataError(report.missing[0])
    for sentence in report.missing:
        listener.notice(sentence)
    for trial in trials:
        splits = len(datasets[trial.dataset].splits) if trial.dataset in datasets else trial.split + 1
        if trial.split >= splits:
            raise UsageError(f"{trial.dataset} has splits 0 to {splits - 1}; there is no split {trial.split}")
    return datasets


def _without_done(
    marked: dict[PlannedTrial, str], store: Store, retry_failed: bool, report: Report
) -> list[PlannedTrial]:
    statuses = store.statuses(marked.values())

    def is_done(fingerprint: str) -> bool:
        status = statuses.get(fingerprint)
        # an interrupted trial says nothing about its method, so it always runs again
        return status is not None and status != Status.INTERRUPTED and (status.has_metric or not retry_failed)

    done = [statuses[fingerprint] for fingerprint in marked.values() if is_done(fingerprint)]
    report.skipped, report.failed_before = len(done), sum(not status.has_metric for status in done)
    return [trial for trial, fingerprint in marked.items() if not is_done(fingerprint)]


def _session(options: Options, code: str) -> SessionRecord:
    """What the sessions of a run have in common."""
    return SessionRecord(
        session_id="",
        machine_id="",
        started_at=datetime.now(UTC),
        suite=options.suite,
        command=options.command,
        code_version=code,
        environment={
            "threads": options.threads_per_trial(),
            "jobs": options.jobs,
            "executor": options.executor.name,
        },
    )


def _document(trial: PlannedTrial, options: Options) -> dict[str, Any]:
    return {
        "dataset": trial.dataset,
        "data_dir": options.data_dir,
        "cache_dir": options.cache_dir,
        "split": trial.split,
        "seed": trial.seed,
        "repeat": trial.repeat,
        "method": trial.method.name,
        "protocol": trial.protocol.settings(),
        "device": options.device,
    }


def _record(
    trial: PlannedTrial,
    ended: Ended,
    session: SessionRecord,
    *,
    marked: dict[PlannedTrial, str],
    device: str,
    datasets: dict[str, GraphData],
) -> TrialRecord:
    """The row of a trial's result; the test metric is computed here, from its predictions."""
    result = dict(ended.result)
    status = Status(result["status"])
    figures: dict[str, Any] = {name: result[name] for name in _COPIED if name in result}
    if status.has_metric:
        try:
            scored = score(ended.folder / "predictions.npz", datasets[trial.dataset], trial.split)
        except BenchError as error:
            status, figures = Status.CRASHED, {"reason": str(error)}
        else:
            figures |= {
                "test_metric": scored.test_metric,
                "validation_metric": scored.validation_metric,
                "further_metrics": scored.further_metrics,
                "predictions": scored.predictions,
                "predictions_sha256": scored.sha256,
            }
    if "ledger" in result:
        figures["ledger"] = Ledger(**result["ledger"])
    figures["environment"] = {**figures.get("environment", {}), "wall_seconds": ended.seconds}
    figures["curve"] = tuple(CurvePoint(**point) for point in result.get("curve", ()))
    figures["dynamics"] = tuple(
        DynamicsRecord(series["quantity"], tuple(series["epochs"]), series["values"])
        for series in result.get("dynamics", ())
    )
    return TrialRecord(
        trial_id=uuid7(),
        fingerprint=marked[trial],
        session_id=session.session_id,
        machine_id=session.machine_id,
        dataset=trial.dataset,
        dataset_version=datasets[trial.dataset].version,
        method=trial.method.name,
        protocol=trial.protocol.key(),
        protocol_settings=trial.protocol.settings(),
        preset=trial.preset,
        split=trial.split,
        seed=trial.seed,
        repeat=trial.repeat,
        device=device.partition(":")[0],
        status=status,
        started_at=datetime.now(UTC) - timedelta(seconds=ended.seconds),
        **figures,
    )


_COPIED = (
    "reason", "log_tail", "selected_epoch", "epochs", "parameters", "model_bytes",
    "peak_memory_bytes", "memory", "energy_joules", "energy", "inference_seconds", "node_visits", "edge_visits",
    "schedule", "environment",
)  # fmt: skip

"""Trials as jobs, by submitit's executor for this machine: the same rows as here."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import runner
from bench.errors import BenchError, UsageError
from bench.executors import remote, slurm
from bench.executors.choice import Choice, Limits, opened
from bench.executors.node import inspect
from bench.executors.slurm import SlurmExecutor
from bench.meters import hardware
from bench.protocol import Protocol
from db.read import Reader

if importlib.util.find_spec("submitit") is None:
    pytest.skip("submitit is not installed (the extra slurm)", allow_module_level=True)

SMALL = "gcn(layers=2,hidden=8)"
HERE = Choice("slurm", slurm=("cluster=local",))


@pytest.fixture(autouse=True)
def known_code(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The checkout may be edited while the tests run, and then jobs have other code than this process."""
    import cloudpickle  # which submitit needs

    monkeypatch.setattr(hardware, "code_version", lambda: "under test")
    monkeypatch.setattr(slurm, "inspect", lambda: replace(inspect(), code="under test"))
    cloudpickle.register_pickle_by_value(slurm)  # jobs get that line too
    yield
    cloudpickle.unregister_pickle_by_value(slurm)


@pytest.fixture
def limits(cache: Path) -> Limits:
    return Limits("cpu", jobs=2, threads=1, timeout=60.0, minutes=None, cache_dir=str(cache))


@pytest.fixture
def executor(limits: Limits, tmp_path: Path, plugins: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmExecutor]:
    monkeypatch.setenv("PYTHONPATH", str(plugins))
    with opened(HERE, tmp_path, limits) as found:
        assert isinstance(found, SlurmExecutor)
        yield found


def document(cache: Path, method: str, seed: int = 0) -> dict[str, Any]:
    return {
        "dataset": "minesweeper-grid(side=12)", "data_dir": None, "cache_dir": str(cache), "split": 0, "seed": seed,
        "repeat": 0, "method": method, "protocol": Protocol(epochs=2, threads=1).settings(), "device": "cpu",
    }  # fmt: skip


def test_jobs_give_the_rows_of_this_machine(harness: Any, tmp_path: Path) -> None:
    found = []
    for choice in (Choice(), HERE):
        store = tmp_path / f"{choice.name}.duckdb"
        report, diary = harness.run(harness.plan(SMALL, seeds=(0, 1), epochs=2), store, jobs=2, executor=choice)
        assert report.all_well
        assert {"stage": "loading"} in [event for _, event in diary.events]
        rows = Reader(store).trials()
        found.append({(row.seed, row.status, row.test_metric, row.predictions_sha256) for row in rows})
    assert len(found[0]) == 2
    assert found[0] == found[1]
    [session] = Reader(store).sessions()
    assert (session.environment["executor"], session.calibration_before) == ("slurm", None)


def test_a_stop_ends_what_runs(executor: SlurmExecutor, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import submitit

    # after an hour submitit looks every ten minutes, unless it is told to
    watcher = submitit.LocalJob.watcher
    look = watcher.update_if_long_enough
    monkeypatch.setattr(watcher, "update_if_long_enough", lambda mode: look(mode) if mode == "force" else None)
    documents = [document(cache, f"{SMALL}+never_ends", seed) for seed in range(3)]
    ended = list(executor.run(documents, lambda index, event: executor.stop()))
    assert ended and {item.result["status"] for item in ended} == {"interrupted"}


def test_a_job_on_another_kind_of_machine_ends_the_run(executor: SlurmExecutor, cache: Path) -> None:
    machine = replace(executor.kind.machine, machine_id="0", cpu_model="Another")
    executor.kind = replace(executor.kind, machine=machine)
    with pytest.raises(BenchError, match=r"SLURM sent a trial to another kind of machine \(.*\) than .*Another"):
        list(executor.run([document(cache, SMALL)], lambda index, event: None))


def test_a_job_with_other_code_ends_the_run(executor: SlurmExecutor, cache: Path) -> None:
    executor.kind = replace(executor.kind, code="older")
    with pytest.raises(BenchError, match=r"the code on .* is under test and here it is older; install the same commit"):
        list(executor.run([document(cache, SMALL)], lambda index, event: None))


def test_a_trial_that_asks_for_too_much_is_named(executor: SlurmExecutor, cache: Path) -> None:
    wide = {**document(cache, SMALL), "protocol": Protocol(epochs=2, threads=3).settings()}
    with pytest.raises(BenchError, match="a trial asks for 3 CPUs and its job has 1; say --threads 3"):
        executor.run([wide], lambda index, event: None)


def test_a_job_that_is_lost_runs_again(executor: SlurmExecutor, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import submitit

    # submitit waits that long for a result that a slow file system may still hold back
    monkeypatch.setattr(submitit.Job, "_results_timeout_s", 0)
    jobs: list[Any] = []
    submit = executor.submit

    def remember(index: int, told: dict[str, Any], node: str) -> Any:
        jobs.append(submit(index, told, node))
        return jobs[-1]

    def hear(index: int, event: dict[str, Any]) -> None:
        if len(jobs) == 1:
            for process in children(jobs[0]._process.pid):
                os.kill(process, signal.SIGKILL)

    monkeypatch.setattr(executor, "submit", remember)
    [ended] = executor.run([document(cache, SMALL)], hear)
    assert (ended.result["status"], len(jobs)) == ("finished", 2)


def children(parent: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@pytest.mark.parametrize(
    ("words", "threads", "sentence"),
    [
        (("cluster=local",), None, "--executor slurm needs --threads"),
        (("cluster=local", "partitoin=gpu"), 1, "--slurm: Unknown argument 'partitoin'"),
        (("cluster=local", "time=2"), 1, "--slurm time=2 is less than a trial may take; say time=3 or more"),
    ],
)
def test_wrong_options_are_named(
    limits: Limits, tmp_path: Path, words: tuple[str, ...], threads: int | None, sentence: str
) -> None:
    with (
        pytest.raises(UsageError, match=sentence),
        opened(Choice("slurm", slurm=words), tmp_path, replace(limits, threads=threads)),
    ):
        pass


def test_a_machine_without_slurm_is_named(limits: Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match="SLURM cannot be used here"), opened(Choice("slurm"), tmp_path, limits):
        pass


class Jobs:
    """What stands for submitit: trials begin, and their jobs leave nothing."""

    ends = True

    def __init__(self, folder: str, cluster: str) -> None:
        """As submitit's own."""

    def update_parameters(self, **request: Any) -> None:
        """Takes all."""

    def submit(self, function: Any, *arguments: Any) -> Job:
        if function is not slurm._job:
            return Job(function(*arguments), ended=True)
        arguments[2].write_text('{"stage": "loading"}\n')
        return Job(None, self.ends)


class Job:
    job_id, state, paths = "7", "NODE_FAIL", SimpleNamespace(result_pickle=Path("nowhere"))

    def __init__(self, found: Any, ended: bool) -> None:
        self.found, self.ended, self.looks = found, ended, 0

    def done(self) -> bool:
        self.looks += 1
        if self.looks == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return self.ended

    def get_info(self, mode: str) -> None:
        assert mode == "force"

    def cancel(self, check: bool) -> None:
        assert not check
        self.ended = True

    def result(self) -> Any:
        from submitit.core.utils import UncompletedJobError

        if self.found is None:
            raise UncompletedJobError("no result")
        return self.found


@pytest.mark.parametrize(
    ("ends", "status", "reason"),
    [
        (True, "crashed", "its worker was lost 3 times, the last time so: job 7 ended as NODE_FAIL without a result"),
        (False, "interrupted", "the run was stopped while this trial ran"),
    ],
)
def test_a_trial_without_a_known_machine_has_its_row(
    harness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: bool, status: str, reason: str
) -> None:
    import submitit

    monkeypatch.setattr(submitit, "AutoExecutor", Jobs)
    monkeypatch.setattr(remote, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(Jobs, "ends", ends)
    store = tmp_path / "store.duckdb"
    report, _ = harness.run(harness.plan(SMALL), store, executor=Choice("slurm"))
    [row] = Reader(store).trials()
    assert (row.status.value, row.reason, report.interrupted) == (status, reason, not ends)
    [session] = Reader(store).sessions()
    assert (row.session_id, row.machine_id) == (session.session_id, session.machine_id)


class Behind(datetime):
    """The clock of a machine that stands still long ago."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime(2020, 1, 2, 12, tzinfo=tz)


def test_the_moment_of_a_row_is_by_the_clock_of_the_machine_where_the_command_was_typed(
    harness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "datetime", Behind)
    store = tmp_path / "store.duckdb"
    report, _ = harness.run(harness.plan(SMALL, epochs=2), store, executor=HERE)
    [row], [session] = Reader(store).trials(), Reader(store).sessions()
    assert report.all_well and session.started_at == Behind.now(UTC)
    lasted = timedelta(seconds=row.environment["wall_seconds"])
    assert row.started_at == pytest.approx(Behind.now(UTC) - lasted, abs=timedelta(milliseconds=1))
    # durations know no clock
    assert row.ledger is not None and 0 < row.ledger.wall <= lasted.total_seconds()

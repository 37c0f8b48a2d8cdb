"""Trials as jobs of SLURM, through submitit. One job is one trial; a folder that all machines see carries its events.

SLURM names the machine only when a job runs, so a first job says what kind of machine the options give, and a trial
that is sent to another kind ends the run.
"""

from __future__ import annotations

import json
import math
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.datasets.folders import cache_folder
from bench.errors import BenchError, UsageError
from bench.executors.choice import Choice, Limits
from bench.executors.node import Node, differing_datasets, inspect, of_one_kind
from bench.executors.remote import POLL_SECONDS, CancelledError, LostError, Parcel, RemoteExecutor, Task, run_away
from bench.executors.trial_process import Ended, Progress
from bench.meters import hardware

SPARE_SECONDS = 120.0
"""What a job needs beside its trial, so that a trial is killed by its own clock and never by SLURM's."""
# submitit by itself looks after jobs that left no result ever more rarely, in the end every ten minutes
_LOOK_SECONDS = 2.0
_ANYWHERE = "slurm"


@contextmanager
def slurm_executor(choice: Choice, folder: Path, limits: Limits) -> Iterator[SlurmExecutor]:
    """An executor that submits from this machine.

    Raises:
        UsageError: an option that sbatch does not have, no count of threads, or less time than a trial may take.
        BenchError: no submitit, no SLURM, or other code on its machines.
    """
    if limits.threads is None:
        raise UsageError(
            "--executor slurm needs --threads: SLURM gives a trial the cores that it asks for, and no more"
        )
    try:
        import submitit
    except ImportError:
        raise BenchError("submitit is not installed; call: pip install 'leangnn[slurm]'") from None
    shared = cache_folder(limits.cache_dir) / "slurm"
    shared.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shared, ignore_cleanup_errors=True) as jobs:
        given = {key: value for key, _, value in (item.partition("=") for item in choice.slurm)}
        try:
            executor = submitit.AutoExecutor(jobs, cluster=given.pop("cluster", "slurm"))
            executor.update_parameters(**_request(choice, limits, given))
        except NameError as error:
            raise UsageError(f"--slurm: {str(error).partition('Valid arguments')[0].splitlines()[0]}") from error
        except (RuntimeError, ValueError) as error:
            raise BenchError(f"SLURM cannot be used here: {error}") from error
        yield SlurmExecutor(executor, Path(jobs), folder, limits)


def _request(choice: Choice, limits: Limits, given: Mapping[str, str]) -> dict[str, Any]:
    minutes = given.get("time", "")
    if minutes.isdigit() and 60 * int(minutes) < limits.timeout + SPARE_SECONDS:
        raise UsageError(
            f"--slurm time={minutes} is less than a trial may take; say "
            f"time={math.ceil((limits.timeout + SPARE_SECONDS) / 60)} or more, or a smaller --timeout"
        )
    own: dict[str, Any] = {"name": "leangnn", "cpus_per_task": limits.threads}
    own["timeout_min"] = math.ceil(limits.timeout / 60) + 5  # the trial is killed by its own clock, before SLURM's
    if choice.memory is not None:
        own["mem_gb"] = choice.memory
    if limits.device == "cuda" and not {"gres", "gpus_per_node", "gpus_per_task"} & given.keys():
        own["gpus_per_node"] = 1
    chosen = {key: int(value) if value.isdigit() else value or True for key, value in given.items()}
    return own | {f"slurm_{key.replace('-', '_')}": value for key, value in chosen.items()}


class SlurmExecutor(RemoteExecutor):
    """Runs trial documents as jobs; see `bench.executors.remote`."""

    def __init__(self, submitit: Any, shared: Path, folder: Path, limits: Limits) -> None:
        super().__init__(folder, limits)
        self._submitit, self._shared = submitit, shared
        self._read: dict[int, int] = {}
        self._looked = -math.inf
        found = self._result_of(inspect)
        [self.kind] = of_one_kind({"the first job's machine": found}, hardware.code_version(), None).values()
        self.cores = limits.threads or 1
        self.nodes: dict[str, Node] = {}

    def prepare(self, contents: Mapping[str, str], data_dir: str | None, cache_dir: str | None) -> None:
        """Have a machine load the datasets; the others share its files."""
        for sentence in self._result_of(differing_datasets, contents, data_dir, cache_dir):
            raise BenchError(f"on a machine of SLURM: {sentence}")

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Nothing, because SLURM chooses the machine of each trial when its turn comes."""
        return {}

    def run(self, documents: Sequence[dict[str, Any]], progress: Progress) -> Iterator[Ended]:
        """As `RemoteExecutor.run`.

        Raises:
            BenchError: also when a trial asks for more than its job has.
        """
        threads = max((document["protocol"]["threads"] for document in documents), default=0)
        if threads > self.cores:
            raise BenchError(f"a trial asks for {threads} CPUs and its job has {self.cores}; say --threads {threads}")
        return super().run(documents, progress)

    def places(self) -> Iterable[str]:
        return [_ANYWHERE]

    def submit(self, index: int, document: dict[str, Any], node: str) -> Any:
        self._events_of(index).touch()
        return self._submitted(_job, document, self.timeout, self._events_of(index), self.kind)

    def finished(self, tasks: Sequence[Task], seconds: float) -> list[Task]:
        time.sleep(seconds)
        cancelled = [task for task in tasks if task.cancelled is not None]
        if cancelled and time.monotonic() > self._looked + _LOOK_SECONDS:
            self._looked = time.monotonic()
            cancelled[0].handle.get_info(mode="force")  # which asks for all jobs at once
        return [task for task in tasks if task.handle.done()]

    def fetch(self, task: Task) -> tuple[Parcel, str]:
        try:
            if task.cancelled is not None and not task.handle.paths.result_pickle.exists():
                raise CancelledError
            name, node, parcel = _fetched(task.handle)
        except (CancelledError, LostError):
            # its row needs a machine, and which one it was nobody knows
            self.nodes[_ANYWHERE] = self.kind
            raise
        self.nodes[name] = node
        return parcel, name

    def events(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for task in self._tasks:
            start = self._read.get(task.index, 0)
            with self._events_of(task.index).open("rb") as file:
                file.seek(start)
                whole = file.read().rpartition(b"\n")[0]
            self._read[task.index] = start + len(whole) + bool(whole)
            yield from ((task.index, json.loads(line)) for line in whole.splitlines())

    def cancel(self, task: Task, force: bool) -> None:
        task.handle.cancel(check=False)  # scancel fails for a job that has just ended

    def _events_of(self, index: int) -> Path:
        return self._shared / f"{index:06d}.events"

    def _result_of(self, function: Callable[..., Any], *arguments: Any) -> Any:
        job = self._submitted(function, *arguments)
        try:
            while not job.done():
                time.sleep(POLL_SECONDS)
            return _fetched(job)
        except LostError as error:
            raise BenchError(f"SLURM ran no trial yet, because {error}") from error
        except KeyboardInterrupt:
            job.cancel(check=False)
            raise

    def _submitted(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return self._submitit.submit(function, *arguments)
        except RuntimeError as error:  # what submitit's own errors are
            raise BenchError(f"SLURM took no job: {str(error).strip().splitlines()[-1]}") from error


def _job(document: dict[str, Any], timeout: float, events: Path, kind: Node) -> tuple[str, Node, Parcel]:
    node = inspect()
    if node.machine.machine_id != kind.machine.machine_id:
        raise BenchError(
            f"SLURM sent a trial to another kind of machine ({node}) than the first job ({kind}); "
            "narrow it down, for example with --slurm constraint=NAME"
        )
    of_one_kind({platform.node(): node}, kind.code, None)
    with events.open("a", buffering=1) as file:
        parcel = run_away(document, timeout, lambda event: print(json.dumps(event), file=file))
    return platform.node(), node, parcel


def _fetched(job: Any) -> Any:
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        return job.result()
    except FailedJobError as error:
        trace = str(error).partition("\n---")[2].partition("\n---")[0].strip()
        raise BenchError(f"a job of SLURM failed: {trace.splitlines()[-1]}") from error
    except UncompletedJobError as error:
        raise LostError(f"job {job.job_id} ended as {job.state} without a result") from error

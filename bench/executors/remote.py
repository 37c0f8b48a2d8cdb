"""Trials on other machines: what Ray and SLURM have in common.

The runner hands out trials and lays down what comes back; a trial itself is the same process as on this machine.
"""

from __future__ import annotations

import math
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.executors.choice import Limits
from bench.executors.trial_process import Ended, Progress, TrialProcess, interrupted
from bench.executors.waiting import Waiting

RETRIES = 2
"""How often a trial whose worker was lost is run again."""
POLL_SECONDS = 0.5  # each look costs processor time, which on a cluster of this machine the trials would have had
CANCEL_SECONDS = 10.0
"""How long a trial that was asked to end may take before its worker is killed."""


class LostError(Exception):
    """The worker of a trial is gone, through no fault of the trial as far as anybody knows."""


class NodeLostError(LostError):
    """Its whole machine is gone."""


class CancelledError(Exception):
    """The trial ended because it was told to."""


@dataclass(frozen=True)
class Parcel:
    """What a trial left on another machine: its result document, wall seconds, and its files by name."""

    result: dict[str, Any]
    seconds: float
    files: dict[str, bytes]


@dataclass(eq=False)
class Task:
    """A trial that was handed out.

    Attributes:
        index: position of its document.
        node: name of the machine it was given to.
        handle: what the cluster calls it.
        heard: when its first event came (monotonic seconds); None while it waits for its machine.
        cancelled: when it was told to end, the last time.
    """

    index: int
    node: str
    handle: Any
    heard: float | None = None
    cancelled: float | None = None


def run_away(document: dict[str, Any], timeout: float, hear: Callable[[dict[str, Any]], Any]) -> Parcel:
    """Run a trial on the machine of this process and pack what it leaves."""
    with tempfile.TemporaryDirectory(prefix="leangnn-") as scratch:
        process = TrialProcess(Path(scratch) / "trial", timeout)
        # in another thread, because a thread that waits for output does not notice that Ray cancels its task
        pool = ThreadPoolExecutor(1)
        try:
            running = pool.submit(process.run, document, hear)
            while not running.done():
                wait([running], timeout=POLL_SECONDS)
        except BaseException:
            # also of a thread that is only about to start; the pool waits for it
            process.stop()
            raise
        finally:
            pool.shutdown()
        result, seconds = running.result()
        files = {path.name: path.read_bytes() for path in process.folder.iterdir() if path.is_file()}
        return Parcel(result, seconds, files)


class RemoteExecutor(ABC):
    """Hands out trial documents and yields each trial as it ends.

    Args:
        folder: scratch space on this machine.
        limits: its `jobs` are trials at a time on each machine, and its `timeout` is counted where the trial runs.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.jobs, self.timeout, self.minutes = folder, limits.jobs, limits.timeout, limits.minutes
        self._tasks: list[Task] = []
        self._lost: Counter[int] = Counter()
        self._stopping = False

    def run(self, documents: Sequence[dict[str, Any]], progress: Progress) -> Iterator[Ended]:
        """As `bench.executors.local.LocalExecutor.run`; a trial whose worker is lost is handed out again.

        Raises:
            BenchError: the cluster is gone, or none of its machines is left.
        """
        waiting = Waiting(documents)
        end = math.inf if self.minutes is None else time.monotonic() + 60 * self.minutes
        try:
            while True:
                if self._stopping or time.monotonic() >= end:
                    self._cancel(self._tasks if self._stopping else self._unheard())
                else:
                    self._hand_out(documents, waiting)
                if not self._tasks:
                    break
                for task in self.finished(self._tasks, POLL_SECONDS):
                    self._hear(progress)
                    self._tasks.remove(task)
                    if ended := self._ended(task, waiting):
                        yield ended
                self._hear(progress)
        finally:
            # by force, because nobody is left who could see that one goes on
            for task in self._tasks:
                self.cancel(task, force=True)
        if waiting and not self._stopping and time.monotonic() < end:
            raise BenchError(f"no machine is left for {len(waiting)} trials; what had finished is stored, so run again")

    def address(self, name: str) -> str:
        """Where a machine is, in the user's words."""
        return name

    def stop(self) -> None:
        """Kill the running trials and start no more."""
        self._stopping = True

    @abstractmethod
    def places(self) -> Iterable[str]:
        """Names of the machines that trials can be given to; without those that are gone."""

    @abstractmethod
    def submit(self, index: int, document: dict[str, Any], node: str) -> Any:
        """Hand out a trial; returns what the cluster calls it."""

    @abstractmethod
    def finished(self, tasks: Sequence[Task], seconds: float) -> list[Task]:
        """Those that ended, after waiting some seconds for one."""

    @abstractmethod
    def fetch(self, task: Task) -> tuple[Parcel, str]:
        """What an ended one left, and the name of the machine that it ran on.

        Raises:
            LostError, NodeLostError, CancelledError: it ended without its result.
            BenchError: the run cannot go on.
        """

    @abstractmethod
    def events(self) -> Iterable[tuple[int, dict[str, Any]]]:
        """What trials said since the last call, by position."""

    @abstractmethod
    def cancel(self, task: Task, force: bool) -> None:
        """Tell a trial to end; with `force`, kill its worker."""

    def _hand_out(self, documents: Sequence[dict[str, Any]], waiting: Waiting) -> None:
        for node in list(self.places()):
            while sum(task.node == node for task in self._tasks) < self.jobs:
                index = waiting.take(node)
                if index is None:
                    break
                self._tasks.append(Task(index, node, self.submit(index, documents[index], node)))

    def _hear(self, progress: Progress) -> None:
        for index, event in self.events():
            for task in self._tasks:
                if task.index == index:
                    task.heard = task.heard or time.monotonic()
                    progress(index, event)

    def _unheard(self) -> list[Task]:
        return [task for task in self._tasks if task.heard is None]

    def _cancel(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.cancelled is None:
                task.cancelled = time.monotonic()
                self.cancel(task, force=False)
            elif time.monotonic() > task.cancelled + CANCEL_SECONDS:
                task.cancelled = time.monotonic()
                self.cancel(task, force=True)

    def _ended(self, task: Task, waiting: Waiting) -> Ended | None:
        """How a trial ended; None where it runs again, or never began."""
        node, seconds = task.node, 0.0 if task.heard is None else time.monotonic() - task.heard
        try:
            parcel, node = self.fetch(task)
            if task.cancelled is not None and "result.json" not in parcel.files:
                raise CancelledError
        except (LostError, CancelledError) as error:
            if task.cancelled is not None:
                if task.heard is None:
                    waiting.put_back(task.node, task.index)
                    return None
                parcel = Parcel(interrupted(), seconds, {})
            elif self._runs_again(task, waiting, error):
                return None
            else:
                reason = f"its worker was lost {self._lost[task.index]} times, the last time so: {error}"
                parcel = Parcel({"status": "crashed", "reason": reason}, seconds, {})
        folder = self.folder / f"{task.index:06d}"
        folder.mkdir(parents=True)
        for name, content in parcel.files.items():
            (folder / name).write_bytes(content)
        return Ended(task.index, parcel.result, folder, parcel.seconds, node)

    def _runs_again(self, task: Task, waiting: Waiting, error: Exception) -> bool:
        # a machine that was gone before the trial began says nothing about the trial
        self._lost[task.index] += task.heard is not None or not isinstance(error, NodeLostError)
        again = self._lost[task.index] <= RETRIES
        if again:
            waiting.put_back(task.node, task.index)
        # a worker can be lost because its machine was, of which another trial had the news
        if isinstance(error, NodeLostError) or task.node not in self.places():
            waiting.release(task.node)
        return again

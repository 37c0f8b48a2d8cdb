"""Trials as processes of this machine, one or a few at a time."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from bench.executors.node import Node, inspect
from bench.executors.trial_process import HERE, Ended, Progress, TrialProcess

KILL_SECONDS = 5.0
"""How long a killed process may take to disappear."""


class LocalExecutor:
    """Runs trial documents in fresh processes.

    Args:
        folder: scratch space; each trial gets a folder of its own in it.
        jobs: trials at a time. More than one makes times worthless for ranking; the session records it.
        timeout: wall seconds after which a trial is killed.
        minutes: after which no trial is started any more; those that run go on to their end.
        module: what runs a document.
    """

    def __init__(
        self, folder: Path, jobs: int, timeout: float, minutes: float | None = None, module: str = "bench.trial"
    ) -> None:
        self.folder, self.jobs, self.timeout, self.minutes, self.module = folder, jobs, timeout, minutes, module
        self._running: dict[int, TrialProcess] = {}
        self._stopping = threading.Event()
        # a signal handler may call `stop` while `stop` runs
        self._lock = threading.RLock()

    @cached_property
    def kind(self) -> Node:
        """The machine that this is."""
        return inspect()

    @property
    def cores(self) -> int:
        """CPU cores that the trials share."""
        return self.kind.machine.cpu_cores

    @property
    def nodes(self) -> dict[str, Node]:
        """This machine by its name."""
        return {HERE: self.kind}

    def prepare(self, contents: Mapping[str, str], data_dir: str | None, cache_dir: str | None) -> None:
        """Nothing to do: the runner has loaded the datasets on this machine."""

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """What a function returns on each machine, by name."""
        return {HERE: function(*arguments)}

    def address(self, name: str) -> str:
        """Where a machine is, in the user's words."""
        return name

    def run(self, documents: Sequence[dict[str, Any]], progress: Progress) -> Iterator[Ended]:
        """Yield each trial as it ends; after `stop`, those that it killed come as `interrupted` and no more follow.

        Closing the iterator kills what runs.
        """
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for index in range(len(documents)):
            todo.put(index)
        ended: queue.SimpleQueue[Ended | BaseException | None] = queue.SimpleQueue()

        end = math.inf if self.minutes is None else time.monotonic() + 60 * self.minutes

        def work() -> None:
            with contextlib.suppress(queue.Empty):
                while not self._stopping.is_set() and time.monotonic() < end:
                    index = todo.get_nowait()
                    try:
                        ended.put(self._run_one(index, documents[index], progress))
                    except BaseException as error:  # handed to the caller's thread
                        ended.put(error)
            ended.put(None)

        workers = [threading.Thread(target=work, daemon=True) for _ in range(min(self.jobs, len(documents)))]
        for worker in workers:
            worker.start()
        try:
            at_work = len(workers)
            while at_work:
                item = ended.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    at_work -= 1
                else:
                    yield item
        finally:
            self.stop()
            for worker in workers:
                worker.join(KILL_SECONDS)

    def stop(self) -> None:
        """Kill the running trials and start no more."""
        self._stopping.set()
        with self._lock:
            running = list(self._running.values())
        for process in running:
            process.stop()

    def _run_one(self, index: int, document: dict[str, Any], progress: Progress) -> Ended:
        process = TrialProcess(self.folder / f"{index:06d}", self.timeout, self.module)
        with self._lock:
            self._running[index] = process
        if self._stopping.is_set():
            process.stop()
        result, seconds = process.run(document, partial(progress, index))
        with self._lock:
            del self._running[index]
        return Ended(index, result, process.folder, seconds)

"""Trials as processes of this machine, one or a few at a time."""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.allocator import trial_environment

LOG_LINES = 30
KILL_SECONDS = 5.0
"""How long a killed process may take to disappear."""


@dataclass(frozen=True)
class Ended:
    """How one trial's process ended.

    Attributes:
        index: position of its document.
        result: the result document; at least `status`, and `reason` unless finished.
        folder: where its files are.
        seconds: wall time from spawn to exit, as the parent saw it.
    """

    index: int
    result: dict[str, Any]
    folder: Path
    seconds: float


Progress = Callable[[int, dict[str, Any]], None]


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
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._stopping = threading.Event()
        # a signal handler may call `stop` while `stop` runs
        self._lock = threading.RLock()

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
            _kill(process)

    def _run_one(self, index: int, document: dict[str, Any], progress: Progress) -> Ended:
        folder = self.folder / f"{index:06d}"
        folder.mkdir(parents=True)
        started = time.perf_counter_ns()
        (folder / "trial.json").write_text(json.dumps({**document, "started_ns": started}))
        log = folder / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                # -P: a folder called `db` or `app` where the user stands must not hide ours
                [sys.executable, "-P", "-m", self.module, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=trial_environment(os.environ, document["protocol"]["threads"]),
                start_new_session=True,  # the terminal's Ctrl-C is for the runner, which ends its trials itself
            )
        with self._lock:
            self._running[index] = process
        if self._stopping.is_set():
            _kill(process)
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _kill(process)

        timer = threading.Timer(self.timeout, expire)
        timer.daemon = True
        timer.start()
        assert process.stdout is not None and process.stdin is not None
        for line in process.stdout:
            with contextlib.suppress(json.JSONDecodeError):
                progress(index, json.loads(line))
        process.wait()
        timer.cancel()
        process.stdin.close()
        process.stdout.close()
        seconds = (time.perf_counter_ns() - started) * 1e-9
        with self._lock:
            del self._running[index]
        return Ended(index, self._result(folder, process.returncode, expired.is_set()), folder, seconds)

    def _result(self, folder: Path, returncode: int, expired: bool) -> dict[str, Any]:
        path = folder / "result.json"
        if path.exists():
            return json.loads(path.read_text())
        tail = "\n".join((folder / "log").read_text(errors="replace").splitlines()[-LOG_LINES:]) or None
        if expired:
            return {"status": "timed_out", "reason": f"killed after {self.timeout:g} s of wall time", "log_tail": tail}
        if self._stopping.is_set():
            return {"status": "interrupted", "reason": "the run was stopped while this trial ran", "log_tail": tail}
        if returncode == -signal.SIGKILL:
            # nobody here sent it, so the system did, and it does so when memory is exhausted
            return {"status": "out_of_memory", "reason": "killed by the system for lack of memory", "log_tail": tail}
        reason = f"the process ended with signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
        return {"status": "crashed", "reason": f"{reason} and left no result", "log_tail": tail}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a trial and everything it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)

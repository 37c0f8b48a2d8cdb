"""One trial as a fresh process of this machine: the same wherever an executor has it run."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.allocator import trial_environment
from bench.result import LOG_LINES, left

HERE = "here"
"""The machine that the runner itself is on."""


@dataclass(frozen=True)
class Ended:
    """How one trial's process ended.

    Attributes:
        index: position of its document.
        result: the result document; at least `status`, and `reason` unless finished.
        folder: where its files are.
        seconds: wall time from spawn to exit, as the parent saw it.
        node: name of the machine that it ran on, one of the executor's `nodes`.
    """

    index: int
    result: dict[str, Any]
    folder: Path
    seconds: float
    node: str = HERE


Progress = Callable[[int, dict[str, Any]], None]


class TrialProcess:
    """Runs one trial document.

    Args:
        folder: a new folder for the trial's files.
        timeout: wall seconds after which it is killed.
        module: what runs the document.
    """

    def __init__(self, folder: Path, timeout: float, module: str = "bench.trial") -> None:
        self.folder, self.timeout, self.module = folder, timeout, module
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()

    def run(self, document: dict[str, Any], hear: Callable[[dict[str, Any]], None]) -> tuple[dict[str, Any], float]:
        """Run to the end; `hear` gets each event. The result document, and wall seconds from spawn to exit.

        An exception that comes here from outside kills the process and goes on.
        """
        self.folder.mkdir(parents=True)
        started = time.perf_counter_ns()
        (self.folder / "trial.json").write_text(json.dumps({**document, "started_ns": started}))
        with (self.folder / "log").open("wb") as errors:
            process = subprocess.Popen(
                # -P: a folder called `db` or `app` where the user stands must not hide ours
                [sys.executable, "-P", "-m", self.module, str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=trial_environment(os.environ, document["protocol"]["threads"]),
                start_new_session=True,  # the terminal's Ctrl-C is for the runner, which ends its trials itself
            )
        self._process = process
        if self._stopped.is_set():
            _kill(process)
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _kill(process)

        timer = threading.Timer(self.timeout, expire)
        timer.daemon = True
        timer.start()
        assert process.stdout is not None and process.stdin is not None
        try:
            for line in process.stdout:
                with contextlib.suppress(json.JSONDecodeError):
                    hear(json.loads(line))
            process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                _kill(process)
            process.stdin.close()
            process.stdout.close()
        seconds = (time.perf_counter_ns() - started) * 1e-9
        return self._result(process.returncode, expired.is_set()), seconds

    def stop(self) -> None:
        """Kill the process, also one that is only about to start; its trial is `interrupted`."""
        self._stopped.set()
        if self._process is not None:
            _kill(self._process)

    def _result(self, returncode: int, expired: bool) -> dict[str, Any]:
        result = left(self.folder / "result.json")
        if result is not None:
            return result
        tail = "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-LOG_LINES:]) or None
        if expired:
            return {"status": "timed_out", "reason": f"killed after {self.timeout:g} s of wall time", "log_tail": tail}
        if self._stopped.is_set():
            return interrupted(tail)
        if returncode == -signal.SIGKILL:
            # nobody here sent it, so the system did, and it does so when memory is exhausted
            return {"status": "out_of_memory", "reason": "killed by the system for lack of memory", "log_tail": tail}
        reason = f"the process ended with signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
        return {"status": "crashed", "reason": f"{reason} and left no result", "log_tail": tail}


def interrupted(log_tail: str | None = None) -> dict[str, Any]:
    """The result of a trial that was killed because the run was stopped."""
    return {
        "status": "interrupted",
        "reason": "the run was stopped while this trial ran",
        "log_tail": log_tail,
    }


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a trial and everything it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)

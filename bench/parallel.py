"""Data-parallel training of one trial: what it cannot do, and the processes beside the first one.

The first process is the trial. It starts the others as `python -m bench.rank FOLDER NUMBER`; they are in its process
group and end when their standard input closes, so that a kill of the trial leaves none behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.allocator import trial_environment
from bench.errors import BenchError, UsageError
from bench.meters.nvml import NvmlError, open_device
from bench.protocol import Protocol
from bench.result import left
from methods.method import Method


class LostError(BenchError):
    """Another process of the trial is gone; what it says itself is what to report."""


LOST = 75
"""Exit code of a process that only noticed that another one is gone."""
PATIENCE = 10.0
"""Seconds that a process which lost another one waits to hear what became of it."""
# the first process meets the same error as the others in many cases, and then its own words are the better ones
_GRACE = 0.5


def check_method(method: Method, protocol: Protocol) -> None:
    """Refuse what several processes cannot train.

    Raises:
        UsageError: the steps of the strategy cannot be shared, or there is a quantizer.
    """
    if protocol.processes == 1:
        return
    one = "train it with --processes 1"
    if not method.build("strategy").divides:
        raise UsageError(
            f"{protocol.processes} processes cannot share the steps of {method.strategy}, because an epoch of it is no "
            f"row of mini-batches; choose one that draws them, such as neighbor_sampling, or {one}"
        )
    if method.quantizer is not None:
        raise UsageError(
            f"the ranges of {method.quantizer} follow the batches that a process sees, so that {protocol.processes} "
            f"processes would train different networks; {one}"
        )


def check_devices(device: str, processes: int) -> None:
    """Refuse more processes than GPUs.

    Raises:
        UsageError: one GPU is named for several processes.
        BenchError: there are fewer GPUs than processes.
    """
    if processes == 1 or device == "cpu":
        return
    if device != "cuda":
        raise UsageError(f"--device {device} is one GPU, and {processes} processes need one each; give --device cuda")
    try:
        open_device(processes - 1)
    except NvmlError as error:
        raise BenchError(f"{processes} processes need {processes} GPUs, one each: {error}") from None


def document_of(document: Mapping[str, Any], rank: int) -> dict[str, Any]:
    """The trial's document as one of its processes reads it: with the device and the threads that are its own."""
    processes, device = document["protocol"]["processes"], document["device"]
    alone = processes == 1 or device == "cpu"
    threads = document["protocol"]["threads"] // processes
    return {**document, "device": device if alone else f"cuda:{rank}", "threads": threads}


class Others:
    """The processes of a trial beside the first one, which starts them; when one fails, all end.

    Args:
        folder: of the trial.
        processes: of the trial, the first one included.
        threads: CPU threads of each.
        fail: called in a thread of its own with the result of a trial that a process has ended; it must not return.
    """

    def __init__(self, folder: Path, processes: int, threads: int, fail: Callable[[dict[str, Any]], None]) -> None:
        self._folder, self._fail = folder, fail
        self._stopping = threading.Event()
        environment = trial_environment(os.environ, threads)
        # all are on this machine, and other machines have no business in their talk
        for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            environment.setdefault(name, "lo0" if sys.platform == "darwin" else "lo")
        os.environ.update(environment)
        self._processes = [
            subprocess.Popen([sys.executable, "-P", "-m", "bench.rank", str(folder), str(rank)], stdin=subprocess.PIPE)
            for rank in range(1, processes)
        ]
        for rank, process in enumerate(self._processes, start=1):
            threading.Thread(target=self._watch, args=(rank, process), daemon=True).start()

    def stop(self) -> None:
        """Kill them and wait for their end; what they say from now on counts nothing."""
        self._stopping.set()
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def _watch(self, rank: int, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        if code in (0, LOST):
            return
        time.sleep(_GRACE)
        if not self._stopping.is_set():
            self.stop()
            self._fail(self._result(rank, code))

    def _result(self, rank: int, code: int) -> dict[str, Any]:
        where = f"process {rank} of {len(self._processes) + 1}"
        said = left(result_of(self._folder, rank))
        if said is not None:
            return {**said, "reason": f"{where}: {said['reason']}"}
        if code == -signal.SIGKILL:
            return {"status": "out_of_memory", "reason": f"{where} was killed by the system for lack of memory"}
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return {"status": "crashed", "reason": f"{where} ended with {how} and left no word"}


def result_of(folder: Path, rank: int) -> Path:
    """Where a process beside the first one leaves why it failed."""
    return folder / f"process-{rank}.json"

"""A function called in a fresh process, in the environment of a trial: `python -m bench.perf.worker MODULE:FUNCTION`.

Arguments come as one JSON object on the standard input, the result goes as JSON to the standard output.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from typing import Any

from bench.allocator import trial_environment
from bench.errors import BenchError


def call(threads: int, function: str, /, **arguments: Any) -> Any:
    """Call `module:function` on some CPU threads with JSON-like keyword arguments; its JSON-like result.

    Raises:
        BenchError: the process failed; the message has the last line of what it said.
    """
    finished = subprocess.run(
        [sys.executable, "-m", "bench.perf.worker", function],
        input=json.dumps(arguments),
        env=trial_environment(os.environ, threads),
        capture_output=True,
        text=True,
    )
    if finished.returncode:
        lines = finished.stderr.strip().splitlines() or [f"exit code {finished.returncode}"]
        raise BenchError(f"the measurement {function} failed: {lines[-1]}")
    return json.loads(finished.stdout.splitlines()[-1])


def usable_threads() -> int:
    """Number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> None:
    """Call the function named on the command line."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    module, _, function = sys.argv[1].partition(":")
    result = getattr(importlib.import_module(module), function)(**json.load(sys.stdin))
    print(json.dumps(result))


if __name__ == "__main__":
    main()

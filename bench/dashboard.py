"""How the dashboard is started: found as a file, so that no code of ours imports it."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from bench.errors import BenchError

# glibc otherwise gives each thread of the server a heap of its own, which keeps what reading once needed
_FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}


def command(port: int) -> list[str]:
    """The words that start the server.

    Raises:
        BenchError: the dashboard is not installed.
    """
    package = importlib.util.find_spec("app")
    if package is None or not package.submodule_search_locations:
        raise BenchError("the dashboard is not installed; install leangnn with its package `app`")
    script = Path(next(iter(package.submodule_search_locations))) / "main.py"
    return [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]


def environment(store: str) -> dict[str, str]:
    """The variables that the server needs, with the store to show."""
    return {**_FEW_ARENAS, **os.environ, "LEANGNN_DB": store}

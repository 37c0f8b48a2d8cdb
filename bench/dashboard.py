"""How the dashboard is started: as a module by its name, so that no code of ours imports it."""

from __future__ import annotations

import importlib.util
import os
import sys

from bench.errors import BenchError

# glibc otherwise gives each thread of the server a heap of its own, which keeps what reading once needed
_FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}


def command(port: int) -> list[str]:
    """The words that start the server.

    Raises:
        BenchError: the dashboard is not installed.
    """
    if importlib.util.find_spec("app") is None:
        raise BenchError("the dashboard is not installed; install leangnn with its package `app`")
    # -P: a folder called `app` or `db` where the user stands must not hide ours
    return [sys.executable, "-P", "-m", "app", "--server.port", str(port)]


def environment(store: str) -> dict[str, str]:
    """The variables that the server needs, with the store to show."""
    return {**_FEW_ARENAS, **os.environ, "LEANGNN_DB": store}

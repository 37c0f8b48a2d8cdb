"""`leangnn serve`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import typer

from bench.cli.words import store_to_show
from bench.errors import BenchError

# glibc otherwise gives each thread of the server a heap of its own, which keep what reading once needed
_FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}


def serve_dashboard(db: str, host: str, port: int) -> None:
    """Run the dashboard until it is stopped. It is found as a file, so that no code of ours imports it."""
    shown = store_to_show(db)
    package = importlib.util.find_spec("app")
    if package is None or not package.submodule_search_locations:
        raise BenchError("the dashboard is not installed; install leangnn with its package `app`")
    script = Path(next(iter(package.submodule_search_locations))) / "main.py"
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(script),
        "--server.address",
        host,
        "--server.port",
        str(port),
    ]
    command += ["--browser.gatherUsageStats", "false"]
    try:
        code = subprocess.run(command, env={**_FEW_ARENAS, **os.environ, "LEANGNN_DB": shown}).returncode
    except KeyboardInterrupt:
        return
    if code:
        raise typer.Exit(1)

"""The document that a process of a trial leaves behind, and what an error becomes in it."""

from __future__ import annotations

import json
import re
import traceback
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from methods.errors import MethodError

_REQUEST = re.compile(r"tried to allocate ([\d.]+) (\w+)", re.IGNORECASE)
"""How torch says which allocation failed, on the CPU and on a GPU."""
LOG_LINES = 30


def leave(path: Path, result: dict[str, Any]) -> None:
    """Write a result; whoever reads it never sees half of it."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(result))
    partial.rename(path)


def left(path: Path) -> dict[str, Any] | None:
    """A result that was left, or None."""
    return json.loads(path.read_text()) if path.exists() else None


def failure(error: Exception) -> dict[str, Any]:
    """The result of a trial that an error ended: a status, one sentence, and the end of the traceback."""
    lines = "".join(traceback.format_exception(error)).strip().splitlines()
    return {"status": status_of(error), "reason": sentence(error), "log_tail": "\n".join(lines[-LOG_LINES:])}


def status_of(error: Exception) -> str:
    """`out_of_memory` or `crashed`."""
    name = type(error).__name__
    if isinstance(error, MemoryError) or "OutOfMemory" in name or "can't allocate memory" in str(error):
        return "out_of_memory"
    return "crashed"


def sentence(error: Exception) -> str:
    """One sentence; our own errors say theirs, others are named."""
    if found := _REQUEST.search(str(error)):
        size = f"{int(found[1]) / 1e9:,.1f} GB" if found[2] == "bytes" else f"{found[1]} {found[2]}"
        return f"the trial asked for {size} of memory at once, more than the device could give"
    first = str(error).strip().partition("\n")[0] or "no message"
    return first if isinstance(error, BenchError | MethodError) else f"{type(error).__name__}: {first}"

"""The resident set of this process as the kernel counts it.

Source: proc(5), `VmHWM` and `VmRSS` in /proc/pid/status and the value 5 of /proc/pid/clear_refs (Linux 4.0);
getrusage(2).
"""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")


def give_back_free_memory() -> None:
    """Return garbage and the allocator's free lists to the system, so that the level read next is honest."""
    gc.collect()
    with suppress(OSError, AttributeError):  # malloc_trim is glibc's own
        ctypes.CDLL(None).malloc_trim(0)


def reset_high_water_mark() -> bool:
    """Lower VmHWM to the present resident set; False where the system refuses."""
    try:
        _CLEAR_REFS.write_text("5")
    except OSError:
        return False
    return True


def high_water_mark_bytes(process_id: int | None = None) -> int:
    """The largest resident set of a process, of this one when None, since the last reset, in bytes (Linux only)."""
    return _status_bytes("VmHWM", _STATUS if process_id is None else Path(f"/proc/{process_id}/status"))


def current_bytes() -> int | None:
    """The resident set now, in bytes; None where there is no /proc."""
    try:
        return _status_bytes("VmRSS")
    except FileNotFoundError:
        return None


def anonymous_bytes() -> int:
    """The part of the resident set that no file holds, now, in bytes (Linux 4.5 and later)."""
    return _status_bytes("RssAnon")


def lifetime_maximum_bytes() -> int:
    """The largest resident set of this process ever, in bytes.

    On Linux it survives exec, so that a child starts with the level of its parent.
    """
    import resource  # not on Windows, where this meter has no answer

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status_bytes(name: str, status: Path = _STATUS) -> int:
    for line in status.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise FileNotFoundError(f"{status} has no line {name}")

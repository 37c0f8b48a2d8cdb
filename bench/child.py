"""What a process of a trial owes the process that started it: events on standard output, and its end."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

REPORT_SECONDS = 0.2
"""Shortest time between two progress events."""
Report = Callable[[dict[str, Any], float], None]
"""Called with a point of the curve and the share of the budget that is spent."""


def claim_standard_output() -> Any:
    """Keep the standard output for events; whatever else prints goes to the standard error."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return events


def end_with_parent() -> None:
    """End this process when its standard input closes, which is when its parent is gone."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def reporter(events: Any) -> Report:
    """Write events, but not more often than anybody looks."""
    last = 0.0

    def report(point: dict[str, Any], spent: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= REPORT_SECONDS or spent >= 1:
            last = now
            print(json.dumps({"spent": spent, **point}), file=events, flush=True)

    return report

"""A turnstile before a DuckDB file, because readers whose visits overlap would keep a writer out.

DuckDB gives its file to whoever asks at the right moment, and with eight busy readers there is hardly one for a writer.
A writer that finds the file taken holds the turnstile until it has the file, and readers pass the turnstile before they
open the file. This is a courtesy: DuckDB's own lock protects the file, and whoever cannot wait any longer goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_COURTESY = 15.0
"""Seconds that a reader lets a writer go first: longer than what is being read takes on a busy machine, for a reader
that passes earlier begins what the writer waits for next. A stranger may hold the file much longer than that."""

_PAUSE = 0.005


class Turnstile:
    """Of one database file; its own file lies beside that one while somebody waits."""

    def __init__(self, path: Path) -> None:
        self._path = path.parent / f".{path.name}.turn"

    @contextmanager
    def taken(self, patience: float) -> Iterator[None]:
        """Hold the turnstile, so that no reader passes; after `patience` seconds go on without it."""
        lock = FileLock(self._path, timeout=patience, poll_interval=_PAUSE)
        try:
            lock.acquire()
        except (Timeout, OSError):  # the latter in a folder that a reader may not write
            yield
            return
        try:
            yield
        finally:
            with suppress(OSError):
                self._path.unlink()
            lock.release()

    def passed(self, patience: float) -> None:
        """Wait until no writer holds the turnstile, at most `patience` seconds or as long as courtesy asks for."""
        if self._path.exists():
            with self.taken(min(patience, _COURTESY)):
                pass

"""Readers let a writer go first, and nobody waits forever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from db.turnstile import Turnstile


def test_a_reader_passes_when_the_writer_has_gone(path: Path) -> None:
    turnstile, order, begins = Turnstile(path), [], threading.Event()

    def read() -> None:
        begins.set()
        turnstile.passed(60)
        order.append("read")

    with ThreadPoolExecutor(1) as pool:
        with turnstile.taken(60):
            reading = pool.submit(read)
            begins.wait()
            order.append("written")
        reading.result()
    assert order == ["written", "read"]
    assert list(path.parent.iterdir()) == []


def test_a_reader_that_waited_long_enough_goes_on(path: Path) -> None:
    with Turnstile(path).taken(0.0):
        Turnstile(path).passed(0.01)


def test_without_a_writer_no_file_is_made(path: Path) -> None:
    Turnstile(path).passed(60)
    assert list(path.parent.iterdir()) == []


def test_what_a_killed_writer_left_stops_nobody(path: Path) -> None:
    path.with_name(f".{path.name}.turn").touch()
    Turnstile(path).passed(60)
    assert list(path.parent.iterdir()) == []


def test_a_folder_that_may_not_be_written_has_no_turnstile(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: FileLock) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with Turnstile(path).taken(60):
        pass

"""Values that stay while their file does, and rows that stay while a writer holds it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from db import last_good
from db.database import LockedError
from db.errors import StoreError
from db.last_good import LastGood, Pace, Served
from db.read import Reader
from db.store import Store


@pytest.fixture
def reader(path: Path, samples) -> Reader:
    samples.fill(Store(path), samples.trial())
    return Reader(path, deadline=0.0)


@pytest.fixture
def always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the file each time, instead of every second, and wait for what is read."""
    monkeypatch.setattr(last_good, "_PATIENCE", 30.0)
    monkeypatch.setattr(last_good, "_PAUSE", 0.0)
    monkeypatch.setattr(last_good, "_SHARE", 1e9)


@pytest.fixture
def counted(reader: Reader) -> tuple[list[int], Callable[[], int]]:
    """How often the trials were counted, and the counting."""
    calls: list[int] = []

    def count() -> int:
        calls.append(len(reader.trials()))
        return calls[-1]

    return calls, count


def _one_more(path: Path, samples, split: int = 7) -> None:
    Store(path).record_trial(samples.trial(split=split), samples.dataset(), samples.method())


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(
    path: Path, samples, reader: Reader, counted, always_look: None
) -> None:
    calls, count = counted
    kept = LastGood(reader)
    assert not kept.is_known("count")
    assert [kept.get("count", count) for _ in range(3)] == [Served(1, False)] * 3
    assert len(calls) == 1 and kept.is_known("count")
    _one_more(path, samples)
    assert kept.get("count", count) == Served(2, False)
    assert len(calls) == 2


def test_a_file_that_changes_all_the_time_is_looked_at_now_and_then(
    path: Path, samples, reader: Reader, counted
) -> None:
    calls, count = counted
    kept = LastGood(reader)
    for split in range(3):
        assert kept.get("count", count).value == 1
        _one_more(path, samples, split + 5)
    assert len(calls) == 1


def test_while_the_file_is_held_the_old_value_is_served(
    path: Path, samples, reader: Reader, counted, always_look: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, count = counted
    kept = LastGood(reader)

    def held(deadline: float) -> None:
        raise LockedError("held")

    with monkeypatch.context() as patch:
        patch.setattr(reader._source, "reading", held)
        with pytest.raises(LockedError):
            kept.get("count", count)
    assert kept.get("count", count) == Served(1, False)
    _one_more(path, samples)
    with monkeypatch.context() as patch:
        patch.setattr(reader._source, "reading", held)
        assert [kept.get("count", count) for _ in range(2)] == [Served(1, True)] * 2
    assert kept.get("count", count) == Served(2, False)


def test_a_slow_reading_is_waited_for_once_and_then_goes_on_behind(
    path: Path, samples, reader: Reader, always_look: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_good, "_PATIENCE", 0.05)
    go_on, kept = threading.Event(), LastGood(reader)
    assert kept.get("count", lambda: len(reader.trials())) == Served(1, False)
    _one_more(path, samples)

    def slow() -> int:
        go_on.wait(10)
        return len(reader.trials())

    assert [kept.get("count", slow) for _ in range(2)] == [Served(1, True)] * 2
    go_on.set()
    end = time.monotonic() + 10
    while (served := kept.get("count", slow)).is_stale and time.monotonic() < end:
        time.sleep(0.01)
    assert served == Served(2, False)


def test_what_cannot_be_read_at_all_is_said_each_time(path: Path, reader: Reader, counted, always_look: None) -> None:
    _, count = counted
    kept = LastGood(reader)
    kept.get("count", count)
    path.write_bytes(b"no database" * 1000)
    for _ in range(2):
        with pytest.raises(StoreError, match="not a readable DuckDB database"):
            kept.get("count", count)


def test_what_was_used_longest_ago_is_forgotten(reader: Reader) -> None:
    kept, read = LastGood(reader, most=5), []

    def three(name: str) -> Callable[[], list[str]]:
        return lambda: read.append(name) or [name] * 3  # type: ignore[func-returns-value]

    for name in ("a", "b", "b", "c", "a"):
        assert kept.get(name, three(name)).value == [name] * 3
    assert read == ["a", "b", "c", "a"]


def test_many_threads_read_once(reader: Reader, counted) -> None:
    calls, count = counted
    kept = LastGood(reader)
    threads = [threading.Thread(target=kept.get, args=("count", count)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(calls) == 1


def test_a_changed_store_is_read_again_in_turns_with_pauses(
    path: Path, samples, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_good, "_PAUSE", 0.0)
    monkeypatch.setattr(last_good, "_SHARE", 0.25)
    began: list[tuple[str, float]] = []

    def slow(name: str) -> Callable[[], int]:
        def read() -> int:
            began.append((name, time.monotonic()))
            time.sleep(0.2)
            return len(reader.trials())

        return read

    pace = Pace()
    kept, beside = LastGood(reader, pace=pace), LastGood(reader, pace=pace)
    doors = {"a": kept, "b": kept, "c": beside}
    for name, door in doors.items():
        assert door.get(name, slow(name)) == Served(1, False)
    began.clear()
    _one_more(path, samples)
    end = time.monotonic() + 20
    while len(began) < 3 and time.monotonic() < end:
        for name, door in doors.items():
            served = door.get(name, slow(name))
            assert served.value == 2 or served.is_stale
    assert [name for name, _ in began] == ["a", "b", "c"]
    # a reading of 0.2 s and three times that to wait
    assert all(later - earlier >= 0.75 for (_, earlier), (_, later) in pairwise(began))


def test_an_unchanged_store_is_not_called_old_in_the_pause_after_a_long_reading(
    reader: Reader, counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_good, "_PAUSE", 0.0)
    monkeypatch.setattr(last_good, "_PATIENCE", 30.0)
    calls, count = counted
    pace = Pace()
    kept = LastGood(reader, pace=pace)
    kept.get("count", count)
    pace.charge(60.0)
    assert [kept.get("count", count) for _ in range(3)] == [Served(1, False)] * 3
    assert len(calls) == 1


def test_nobody_waits_for_a_changed_store_in_the_pause_after_a_long_reading(
    path: Path, samples, reader: Reader, counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_good, "_PAUSE", 0.0)
    monkeypatch.setattr(last_good, "_PATIENCE", 0.5)
    pace = Pace()
    kept = LastGood(reader, pace=pace)
    for name in ("a", "b"):
        kept.get(name, counted[1])
    pace.charge(60.0)
    _one_more(path, samples)
    # whoever comes first finds out, and the others take what there is
    assert kept.get("a", counted[1]) == Served(1, True)
    monkeypatch.setattr(last_good, "_PATIENCE", 600.0)
    assert [kept.get(name, counted[1]) for name in ("a", "b", "a")] == [Served(1, True)] * 3


def test_a_program_that_ends_does_not_wait_for_a_pause(path: Path, samples) -> None:
    samples.fill(Store(path), samples.trial())
    program = (
        "import sys, time; from db.last_good import LastGood, Pace; from db.read import Reader\n"
        "pace = Pace(); kept = LastGood(Reader(sys.argv[1]), pace=pace); kept.get(1, lambda: 1); pace.charge(1e3)\n"
        "import os; os.utime(sys.argv[1]); time.sleep(1.1); print(kept.get(1, lambda: 2).is_stale)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr

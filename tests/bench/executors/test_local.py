"""Processes of this machine: how their ends are told apart, and that a stop leaves none behind."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.executors.local import Ended, LocalExecutor
from bench.protocol import Protocol


@pytest.fixture(autouse=True)
def known_plugins(monkeypatch: pytest.MonkeyPatch, plugins: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(plugins))


@pytest.fixture
def document(cache: Path) -> dict[str, Any]:
    """A trial that would never end by itself."""
    return {
        "dataset": "minesweeper-grid(side=12)", "data_dir": None, "cache_dir": str(cache), "split": 0, "seed": 0,
        "method": "gcn(layers=2,hidden=8)+never_ends", "protocol": Protocol(epochs=2, threads=1).settings(),
        "device": "cpu",
    }  # fmt: skip


def processes_in(folder: Path) -> list[int]:
    """Running processes that have a path in this folder on their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(os.fsencode(folder)) for word in words):
            found.append(int(entry.parent.name))
    return found


def when_running(act: Callable[[], object]) -> Callable[[int, dict[str, Any]], None]:
    """A progress function that acts once, in another thread, at the first sign of life."""
    todo = [act]

    def progress(index: int, event: dict[str, Any]) -> None:
        if todo:
            threading.Thread(target=todo.pop(), daemon=True).start()

    return progress


def test_a_trial_that_takes_too_long_is_killed(tmp_path: Path, document: dict[str, Any]) -> None:
    [ended] = LocalExecutor(tmp_path, 1, timeout=0.5).run([document], lambda index, event: None)
    assert ended.result == {"status": "timed_out", "reason": "killed after 0.5 s of wall time", "log_tail": None}
    assert ended.seconds >= 0.5
    assert json.loads((ended.folder / "trial.json").read_text())["started_ns"] > 0
    assert processes_in(tmp_path) == []


def test_a_stop_ends_what_runs_and_starts_no_more(tmp_path: Path, document: dict[str, Any]) -> None:
    executor = LocalExecutor(tmp_path, 1, timeout=600)
    ended = list(executor.run([document, document, document], when_running(executor.stop)))
    assert [(item.index, item.result["status"]) for item in ended] == [(0, "interrupted")]
    assert ended[0].result["reason"] == "the run was stopped while this trial ran"
    assert processes_in(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000"]


def test_closing_the_iterator_leaves_no_process(tmp_path: Path, document: dict[str, Any]) -> None:
    executor = LocalExecutor(tmp_path, 2, timeout=600)
    short = {**document, "method": "gnc"}  # ends at once, as no such method is known
    trials: Iterator[Ended] = executor.run([short, document], lambda index, event: None)
    assert next(trials).index == 0
    assert len(processes_in(tmp_path)) == 1
    trials.close()  # type: ignore[attr-defined]
    assert processes_in(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [
        (signal.SIGKILL, "out_of_memory", "killed by the system for lack of memory"),
        (signal.SIGSEGV, "crashed", "the process ended with signal 11 and left no result"),
    ],
)
def test_a_process_that_somebody_else_ends(
    tmp_path: Path, document: dict[str, Any], number: signal.Signals, status: str, reason: str
) -> None:
    def end() -> None:
        [process] = processes_in(tmp_path)
        os.kill(process, number)

    [ended] = LocalExecutor(tmp_path, 1, timeout=600).run([document], when_running(end))
    assert (ended.result["status"], ended.result["reason"]) == (status, reason)


def test_the_end_of_the_log_is_kept(tmp_path: Path, document: dict[str, Any]) -> None:
    broken = {**document, "method": "gcn"}
    del broken["split"]
    [ended] = LocalExecutor(tmp_path, 1, timeout=600).run([broken], lambda index, event: None)
    assert ended.result["status"] == "crashed"
    assert "KeyError" in ended.result["reason"]
    assert "Traceback" in ended.result["log_tail"]


def test_trials_end_in_any_order_and_each_has_its_folder(tmp_path: Path, document: dict[str, Any]) -> None:
    unknown = {**document, "method": "gnc"}
    started = time.monotonic()
    ended = list(LocalExecutor(tmp_path, 2, timeout=600).run([unknown] * 2, lambda index, event: None))
    assert sorted(item.index for item in ended) == [0, 1]
    assert {item.folder.name for item in ended} == {"000000", "000001"}
    assert all(0 < item.seconds <= time.monotonic() - started for item in ended)
    assert all("is called 'gnc'; did you mean" in item.result["reason"] for item in ended)


def test_when_the_minutes_are_over_nothing_starts_and_what_runs_goes_on(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    unknown = {**document, "method": "gnc"}  # takes longer to start than the budget lasts
    ended = list(LocalExecutor(tmp_path, 1, timeout=600, minutes=0.001).run([unknown] * 3, lambda index, event: None))
    assert [item.index for item in ended] == [0] and ended[0].result["status"] == "crashed"
    assert not list(LocalExecutor(tmp_path, 1, timeout=600, minutes=0.0).run([unknown], lambda index, event: None))

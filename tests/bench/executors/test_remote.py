"""Trials on other machines, by an executor that has none."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.executors import remote
from bench.executors.choice import Limits
from bench.executors.remote import LostError, NodeLostError, Parcel, RemoteExecutor, Task, run_away


class Imagined(RemoteExecutor):
    """Two machines; the first one leaves with its two trials, of which one only says that its worker is gone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Limits("cpu", 2, 1, timeout=60.0, minutes=None, cache_dir=None))
        self.left, self.cancelled = ["a", "b"], list[bool]()

    def places(self) -> list[str]:
        return self.left

    def submit(self, index: int, document: dict[str, Any], node: str) -> int:
        return index

    def finished(self, tasks: Sequence[Task], seconds: float) -> list[Task]:
        return list(tasks)

    def fetch(self, task: Task) -> tuple[Parcel, str]:
        if task.node == "a":
            first, self.left = "a" in self.left, ["b"]
            raise NodeLostError if first else LostError
        return Parcel({"status": "finished"}, 1.0, {}), task.node

    def events(self) -> list[tuple[int, dict[str, Any]]]:
        return []

    def cancel(self, task: Task, force: bool) -> None:
        self.cancelled.append(force)


def test_no_trial_stays_with_a_machine_that_is_gone(tmp_path: Path) -> None:
    documents = [{"dataset": "d", "seed": index // 2} for index in range(4)]
    ended = list(Imagined(tmp_path).run(documents, lambda index, event: None))
    assert sorted((item.index, item.node) for item in ended) == [(index, "b") for index in range(4)]


def test_a_worker_is_killed_once_in_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0, 11.0, 11.0, 12.0, 22.0, 22.0])
    monkeypatch.setattr(remote, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    executor, task = Imagined(tmp_path), Task(0, "a", 0)
    for _ in range(5):  # at 0, 5, 11, 12 and 22 seconds
        executor._cancel([task])
    assert executor.cancelled == [False, True, True]


def test_an_interrupt_while_a_trial_starts_kills_it(
    document: dict[str, Any], plugins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(ThreadPoolExecutor):
        def submit(self, *words: Any) -> Any:  # type: ignore[override]
            super().submit(*words)
            raise KeyboardInterrupt

    monkeypatch.setenv("PYTHONPATH", str(plugins))
    monkeypatch.setattr(remote, "ThreadPoolExecutor", Interrupted)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_away(document, 300.0, lambda event: None)
    assert time.monotonic() < began + 100

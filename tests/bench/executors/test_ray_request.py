"""What a trial asks a Ray cluster for; the cluster here is imagined, and only writes down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.errors import BenchError
from bench.executors import ray_executor
from bench.executors.choice import Choice, Limits
from bench.executors.ray_executor import RayExecutor
from bench.executors.remote import CancelledError, Task
from bench.meters import hardware
from bench.protocol import Protocol

exceptions = pytest.importorskip("ray.exceptions", reason="Ray is not installed (the extra ray)")

LIMITS = Limits("cpu", jobs=1, threads=3, timeout=60.0, minutes=None, cache_dir=None)
MACHINE = "ab" * 28


class Imagined:
    """What stands for the module `ray`: one machine, which calls at once what it is given and keeps the request."""

    exceptions = exceptions
    util = SimpleNamespace(client=SimpleNamespace(ray=SimpleNamespace(is_connected=lambda: True)))

    def __init__(self) -> None:
        self.asked: dict[Any, dict[str, Any]] = {}

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": MACHINE, "Alive": True, "Resources": {"CPU": 4.0, "GPU": 2.0, "memory": 8e9}}]

    def remote(self, function: Callable[..., Any]) -> Any:
        def options(**request: Any) -> Any:
            self.asked[function] = request
            return SimpleNamespace(remote=function)

        return SimpleNamespace(options=options)

    def get(self, found: Any, timeout: float | None = None) -> Any:
        return found


class Silent:
    """Notes that nobody makes."""

    drain = SimpleNamespace(remote=list)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # the checkout may be edited while the tests run
    monkeypatch.setattr(hardware, "code_version", lambda: "under test")
    monkeypatch.setattr(ray_executor, "_Notes", Silent)


@pytest.mark.parametrize(
    ("device", "memory", "asked"),
    [
        ("cpu", None, {"num_cpus": 3, "num_gpus": 0}),
        ("cpu", 2.5, {"num_cpus": 3, "num_gpus": 0, "memory": 2_500_000_000}),
        ("cuda", None, {"num_cpus": 3, "num_gpus": 1}),
        ("cuda", 2.5, {"num_cpus": 3, "num_gpus": 1, "memory": 2_500_000_000}),
    ],
)
def test_a_trial_asks_for_its_threads_one_gpu_and_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, memory: float | None, asked: dict[str, Any]
) -> None:
    monkeypatch.setattr(ray_executor, "_trial", trial := lambda *arguments: arguments)
    ray = Imagined()
    executor = RayExecutor(ray, Choice("ray", memory=memory), tmp_path, replace(LIMITS, device=device))
    document = {"protocol": Protocol(threads=3).settings()}
    assert executor.submit(7, document, MACHINE)[1:4] == (7, document, LIMITS.timeout)
    request = ray.asked[trial]
    where = request.pop("scheduling_strategy")
    assert (where.node_id, where.soft) == (MACHINE, False)
    # a lost worker is counted by the executor, and not by Ray
    assert request == {**asked, "max_retries": 0}


def test_a_look_at_a_machine_takes_nothing_from_a_trial_and_what_is_timed_asks_like_one(tmp_path: Path) -> None:
    ray = Imagined()
    executor = RayExecutor(ray, Choice("ray", memory=2.5), tmp_path, replace(LIMITS, device="cuda"))

    def asked() -> list[int | None]:
        return [ray.asked[ray_executor._call].get(name) for name in ("num_cpus", "num_gpus", "memory")]

    assert asked() == [0, 0, None]
    assert executor.everywhere(len, "word") == {MACHINE: 4}
    assert asked() == [1, 1, 2_500_000_000]


def test_a_trial_that_was_told_to_end_ended_by_that_whatever_its_worker_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = Imagined()
    executor = RayExecutor(ray, Choice("ray"), tmp_path, LIMITS)

    def fails(found: Any, timeout: float | None = None) -> Any:
        raise exceptions.RayTaskError("trial", "", TypeError("'Handlers' object is not callable"))

    monkeypatch.setattr(ray, "get", fails)
    with pytest.raises(CancelledError):
        executor.fetch(Task(0, MACHINE, None, cancelled=1.0))
    with pytest.raises(BenchError, match="Ray could not run a trial"):
        executor.fetch(Task(0, MACHINE, None))

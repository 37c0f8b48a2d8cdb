"""One session a machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.executors.node import Node
from bench.sessions import Sessions
from db.read import Reader
from db.records import MachineRecord, SessionRecord
from db.store import Store

MACHINE = MachineRecord("m", "AMD EPYC 7742", 16, 64 * 2**30)
PLAIN = SessionRecord("", "", datetime.now(UTC), "quick", "leangnn run quick", "c", {"jobs": 1})


class Machines:
    """Two machines that are known, and a third that turns up."""

    def __init__(self) -> None:
        self.nodes = {name: Node(MACHINE, {"torch": "2", "name": name}, "c") for name in ("a", "b")}

    def address(self, name: str) -> str:
        return f"10.0.0.{name}"

    def everywhere(self, function: Any, *arguments: Any) -> dict[str, Any]:
        return {name: function(name, *arguments) for name in ("a", "b") if name in self.nodes}


def sessions_of(store: Path, seconds: dict[str, list[float]]) -> tuple[Machines, Sessions]:
    machines = Machines()

    def calibrate(name: str, word: str) -> dict[str, float]:
        assert word == "options"
        return {"gemm": seconds[name].pop(0)}

    return machines, Sessions(Store(store), machines, PLAIN, calibrate, "options")  # type: ignore[arg-type]


def test_each_machine_has_a_session_with_its_own_calibration(tmp_path: Path) -> None:
    machines, sessions = sessions_of(tmp_path / "s.duckdb", {"a": [1.0, 1.01], "b": [2.0, 2.2]})
    sessions.open(Store(tmp_path / "s.duckdb"))
    machines.nodes["c"] = Node(MACHINE, {"torch": "2", "name": "c"}, "c")
    names = {sessions.of(name).session_id: name for name in "abca"}
    assert sorted(names.values()) == ["a", "b", "c"]
    assert sessions.finish(interrupted=False) == [
        "the speed of machine 10.0.0.b moved by 10% during the session (limit 3%); read its times as ratios only"
    ]
    stored = {names[session.session_id]: session for session in Reader(tmp_path / "s.duckdb").sessions()}
    found = {name: (each.calibration_before, each.calibration_after) for name, each in stored.items()}
    assert found == {"a": ({"gemm": 1.0}, {"gemm": 1.01}), "b": ({"gemm": 2.0}, {"gemm": 2.2}), "c": (None, None)}
    assert all(each.finished_at is not None and each.machine_id == "m" for each in stored.values())
    assert stored["c"].environment == {"torch": "2", "name": "c", "jobs": 1}


def test_an_interrupted_run_is_not_calibrated_again(tmp_path: Path) -> None:
    _, sessions = sessions_of(tmp_path / "s.duckdb", {"a": [1.0], "b": [1.0]})
    sessions.open(Store(tmp_path / "s.duckdb"))
    assert sessions.finish(interrupted=True) == []
    assert all(each.finished_at is not None for each in Reader(tmp_path / "s.duckdb").sessions())


def test_one_machine_alone_needs_no_name(tmp_path: Path) -> None:
    machines, sessions = sessions_of(tmp_path / "s.duckdb", {"a": [1.0, 1.5]})
    del machines.nodes["b"]
    sessions.open(Store(tmp_path / "s.duckdb"))
    [sentence] = sessions.finish(interrupted=False)
    assert sentence.startswith("the speed of the machine moved by 50% during the session")


def test_what_comes_after_the_first_trial_is_written_with_patience(tmp_path: Path) -> None:
    machines, sessions = sessions_of(tmp_path / "s.duckdb", {"a": [1.0, 1.0], "b": [1.0, 1.0]})
    hasty = Store(tmp_path / "s.duckdb")
    sessions.open(hasty)
    hasty.record_session = hasty.finish_session = None  # type: ignore[assignment, method-assign]
    machines.nodes["c"] = machines.nodes["a"]
    sessions.of("c")
    assert sessions.finish(interrupted=False) == []
    assert [each.finished_at is None for each in Reader(tmp_path / "s.duckdb").sessions()] == [False] * 3

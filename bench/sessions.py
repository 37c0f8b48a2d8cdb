"""The sessions of a run: one for each machine that its trials run on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bench.executors.choice import Executor
from bench.executors.node import Node
from bench.identifiers import uuid7
from bench.meters.calibration import DRIFT_LIMIT, drift
from db.records import SessionRecord
from db.store import Store

Calibrate = Callable[..., dict[str, float] | None]
"""Times the fixed kernels on the machine where it is called."""


class Sessions:
    """Sessions by machine.

    A session is what a pair must share for its two sides to have seen the same machine, so two machines never share
    one, even where they are alike.

    Args:
        store: takes what comes after the first trial; it should have patience with others who write.
        plain: the record of a session, with what is the same for all of them.
        calibrate: is called on each machine with `arguments`.
    """

    def __init__(
        self, store: Store, executor: Executor, plain: SessionRecord, calibrate: Calibrate, *arguments: Any
    ) -> None:
        self._store, self._executor, self._plain = store, executor, plain
        self._calibrate, self._arguments = calibrate, arguments
        self._held: dict[str, SessionRecord] = {}

    def open(self, store: Store) -> None:
        """Record a session for each known machine, then calibrate them.

        Args:
            store: the same one with less patience, because whoever typed the command waits for its first trial.
        """
        # recorded first, so that a store that cannot be written is noticed before the machines work for minutes
        for name, node in self._executor.nodes.items():
            self._record(store, name, node)
        for name, found in self._executor.everywhere(self._calibrate, *self._arguments).items():
            self._held[name] = dataclasses.replace(self._held[name], calibration_before=found)
            store.record_session(self._executor.nodes[name].machine, self._held[name])

    def of(self, name: str) -> SessionRecord:
        """The session of a machine; one that nobody knew before its first trial ended has no calibration."""
        if name not in self._held:
            self._record(self._store, name, self._executor.nodes[name])
        return self._held[name]

    def finish(self, interrupted: bool) -> list[str]:
        """Note the end; a sentence for each machine whose speed moved."""
        after = {} if interrupted else self._executor.everywhere(self._calibrate, *self._arguments)
        for name, session in self._held.items():
            self._store.finish_session(session.session_id, datetime.now(UTC), after.get(name))
        moved = {name: _drift(session.calibration_before, after.get(name)) for name, session in self._held.items()}
        return [
            f"the speed of {self._words(name)} moved by {each:.0%} during the session (limit {DRIFT_LIMIT:.0%}); "
            "read its times as ratios only"
            for name, each in moved.items()
            if each > DRIFT_LIMIT
        ]

    def _words(self, name: str) -> str:
        return "the machine" if len(self._held) == 1 else f"machine {self._executor.address(name)}"

    def _record(self, store: Store, name: str, node: Node) -> None:
        environment = {**node.environment, **self._plain.environment}
        session = dataclasses.replace(
            self._plain, session_id=uuid7(), machine_id=node.machine.machine_id, environment=environment
        )
        store.record_session(node.machine, session)
        self._held[name] = session


def _drift(before: dict[str, float] | None, after: dict[str, float] | None) -> float:
    return 0.0 if before is None or after is None else drift(before, after)

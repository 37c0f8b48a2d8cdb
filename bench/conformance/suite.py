"""The conformance suite: what a plug-in must hold to before its numbers mean anything.

One process inspects it, four more run it as trials among decoys. A plug-in's file is executed with all rights of the
user, so this is for one's own files.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.conformance.case import usual_partner, written
from bench.conformance.check import Check
from bench.conformance.decoy import Decoy, lay_out
from bench.conformance.target import Target, targets
from bench.conformance.trials import WRONG, Run, Seen, judged
from bench.datasets.folders import cache_folder, data_folder
from bench.executors.local import Ended, LocalExecutor
from bench.meters.hardware import usable_cores
from bench.protocol import Protocol
from methods.plugin import Kind

LIMIT = 180.0
"""Seconds after which processes that have not ended are stopped and have failed: several times what they need."""
EPOCHS = 12
"""Of a watched trial: more than the ten after which rescalers act again."""


@dataclass(frozen=True)
class Conformance:
    """The checks of one plug-in, and how many seconds they took."""

    kind: Kind
    name: str
    checks: tuple[Check, ...]
    seconds: float

    @property
    def failures(self) -> list[Check]:
        return [check for check in self.checks if check.status == "failed"]


def check(text: str) -> list[Conformance]:
    """Check the plug-ins of a file, or one by its name or `module:attribute`.

    Raises:
        UsageError: nothing is there.
        BenchError: the file cannot be executed.
        SpecError: nothing has that name.
    """
    return [conformance(target) for target in targets(text)]


def conformance(target: Target) -> Conformance:
    """Run the suite on one plug-in."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="leangnn-check-") as scratch:
        work = Work(target, Path(scratch))
        likely = written(target, usual_partner(target))
        inspected, seen = work.inspect_and_watch(likely)
        checks = inspected.checks
        if inspected.method is not None:
            if (inspected.method, inspected.sets) != (likely, False):
                seen = work.watch(inspected.method, tuple(WRONG), inspected.sets)
            checks = [*checks, *judged(target.kind, seen, LIMIT)]
    return Conformance(target.kind, target.spec.name, tuple(checks), time.monotonic() - started)


class Inspected(NamedTuple):
    """The checks of an inspection, a method that works or None, and whether it takes sets of graphs only."""

    checks: list[Check]
    method: str | None
    sets: bool


class Work:
    """Processes of one check, in a folder of their own."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target, self.folder = target, folder
        cache = cache_folder()
        self.watched = [str(cache / "datasets"), str(data_folder(None, cache))]

    def inspect_and_watch(self, method: str) -> tuple[Inspected, dict[Run, Seen]]:
        """Inspect the plug-in, and meanwhile run trials of a method that is likely to work."""
        runs, checks = tuple(WRONG), list[Check]()
        decoys, documents = self._trials(self.folder / "likely", method, runs)
        inspection = {**self._document(inspect=True), "cache_dir": str(self.folder / "cache")}
        ended = {each.index: each for each in self._run("likely", [inspection, *documents], checks)}
        seen = {
            run: Seen.of(ended[index], decoys[0].sizes) for index, run in enumerate(runs, start=1) if index in ended
        }
        result: dict[str, Any] = ended[0].result if 0 in ended else {"status": "timed_out", "reason": "it never began"}
        if result["status"] == "finished":
            return Inspected(checks, result["method"], result["sets"]), seen
        sentence = f"the process ended as {result['status']} after {len(checks)} checks: {result['reason']}"
        return Inspected([*checks, Check("inspection", "failed", sentence)], None, False), seen

    def watch(self, method: str, runs: Sequence[Run], sets: bool = False) -> dict[Run, Seen]:
        """Trials among decoys; those that the limit leaves no time for are missing."""
        decoys, documents = self._trials(self.folder / "chosen", method, runs, sets)
        return {runs[ended.index]: Seen.of(ended, decoys[0].sizes) for ended in self._run("chosen", documents, [])}

    def _trials(
        self, folder: Path, method: str, runs: Sequence[Run], sets: bool = False
    ) -> tuple[list[Decoy], list[dict[str, Any]]]:
        decoys = [lay_out(folder / f"decoy{index}", sets, WRONG[run]) for index, run in enumerate(runs)]
        return decoys, [{**self._document(), **self._trial(method, decoy)} for decoy in decoys]

    def _document(self, inspect: bool = False) -> dict[str, Any]:
        settings = Protocol(epochs=EPOCHS, evaluate_every=EPOCHS, dynamics_every=None, threads=1).settings()
        return {"target": self.target.document(), "inspect": inspect, "protocol": settings, "device": "cpu"}

    def _trial(self, method: str, decoy: Decoy) -> dict[str, Any]:
        return {
            "dataset": decoy.spec, "data_dir": str(decoy.data_dir), "cache_dir": str(decoy.cache_dir),
            "split": 0, "seed": 0, "method": method,
            "watched": [*self.watched, str(decoy.data_dir), str(decoy.cache_dir)],
        }  # fmt: skip

    def _run(self, name: str, documents: list[dict[str, Any]], checks: list[Check]) -> Iterator[Ended]:
        jobs = min(2, max(1, int(usable_cores())))
        executor = LocalExecutor(self.folder / name, jobs, LIMIT, module="bench.conformance.process")
        stop = threading.Timer(LIMIT, executor.stop)  # for all of them together
        stop.daemon = True
        stop.start()

        def hear(index: int, event: Any) -> None:
            if isinstance(event, dict) and event.keys() == {"name", "status", "sentence"}:
                checks.append(Check(**event))

        yield from executor.run(documents, hear)
        stop.cancel()

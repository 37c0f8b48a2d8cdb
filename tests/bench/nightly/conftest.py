"""A runner that needs no time: it stores the trials of a plan with figures that a test chooses."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from bench import runner
from bench import suite as suites
from bench.identifiers import uuid7
from bench.nightly.night import Outlook, run_night
from bench.plan import PlannedTrial, plan
from bench.runner import Listener, Options, Report, method_record
from db.convert import plain_row, trial_row
from db.read import Reader
from db.records import DatasetRecord, Ledger, MachineRecord, SessionRecord, Status, TrialRecord
from db.schema import Dataset, Machine, Method, Session, Trial
from db.store import Store, upsert

GRID = "minesweeper-grid(side=12)"
REFERENCE, CANDIDATE = "gcn(layers=2,hidden=8)+full_batch", "gcn(layers=2,hidden=8)+random_nodes"
SUITE = """
question = "test"
splits = [0, 1]
[protocol]
epochs = 2
[[run]]
datasets = ["minesweeper-grid(side=12)"]
methods = ["gcn(layers=2,hidden=8)+random_nodes"]
"""
MACHINE = MachineRecord("machine", "some CPU", 2, 2**34)
DATASET = DatasetRecord(GRID, "1", "0" * 64, 144, 1000, 7, 2, 1, "node", "roc_auc", 0.6, 0.1)
Figures = Callable[[PlannedTrial], dict[str, Any]]


class World:
    """A machine whose runner answers at once."""

    machine, reference, candidate = MACHINE, REFERENCE, CANDIDATE
    enough = 12
    """Nights after which a cost has a level to be held to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, folder / "store.duckdb"
        self.suite = folder / "tests.toml"
        self.suite.write_text(SUITE)
        self.now = datetime(2026, 1, 1, 2, tzinfo=UTC)
        self.code = "c0"
        self.ran: list[tuple[str, list[PlannedTrial]]] = []
        self.notices: list[str] = []
        self.figures: Figures = lambda trial: {}
        self.in_reruns: Figures | None = None
        """Other figures for what is measured again."""
        self.stops_after: int | None = None
        self._unwritten: list[tuple[SessionRecord, list[TrialRecord]]] = []
        self._noise = random.Random(0)

    def options(self) -> Options:
        return Options(store=str(self.store), suite=str(self.suite), cache_dir=str(self.folder / "cache"))

    def night(self, days: float = 1) -> Outlook:
        """Run the night that is so many days after the last."""
        self.now += timedelta(days=days)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runner, "run", self.run)
            return run_night(self.options(), self)

    def past(self, nights: int = enough) -> None:
        """Quiet nights, stored without being judged."""
        trials = plan(suites.load(str(self.suite)))
        self.ran.append((str(self.suite), trials))
        for _ in range(nights):
            self.now += timedelta(days=1)
            options = replace(self.options(), occasion=f" night {self.now}")
            session = self._session(options)
            records = [self._record(_own(trial), session, options, self.figures) for trial in trials]
            self._unwritten.append((session, records))
        self.write()

    def run(self, trials: Sequence[PlannedTrial], options: Options, listener: Listener) -> Report:
        """In the place of `bench.runner.run`."""
        assert options.suite is not None
        self.ran.append((options.suite, list(trials)))
        session, report = self._session(options), Report()
        figures = self.in_reruns if self.in_reruns and options.suite.endswith(":again") else self.figures
        for trial in trials[: self.stops_after]:
            record = self._record(_own(trial), session, options, figures)
            report.records.append(record)
            listener.ended(_own(trial), record)
        report.interrupted = len(report.records) < len(trials)
        self._unwritten.append((session, report.records))
        if not options.suite.endswith(":again"):  # which nobody reads during the night
            self.write()
        return report

    def _session(self, options: Options) -> SessionRecord:
        return SessionRecord(uuid7(), MACHINE.machine_id, self.now, options.suite, options.command, self.code)

    def write(self) -> None:
        """Store what ran, in one transaction; the tables refuse a fingerprint that is stored already."""
        sessions, self._unwritten = self._unwritten, []
        methods = {trial.method for _, trials in self.ran for trial in trials}

        def work(connection: Connection) -> None:
            upsert(connection, Machine, plain_row(MACHINE))
            upsert(connection, Dataset, plain_row(DATASET))
            for method in methods:
                upsert(connection, Method, plain_row(method_record(method)))
            connection.execute(insert(Session), [plain_row(session) for session, _ in sessions])
            connection.execute(insert(Trial), [trial_row(record) for _, records in sessions for record in records])

        Store(self.store).write(work)

    def _record(self, trial: PlannedTrial, session: SessionRecord, options: Options, chosen: Figures) -> TrialRecord:
        figures = chosen(trial)
        seconds = figures.get("seconds", 1.0) * self._noise.uniform(0.995, 1.005)
        fields: dict[str, Any] = {
            "status": Status.FINISHED,
            "ledger": Ledger(0, 0, 0, seconds, 0, 0, 0, seconds),
            "test_metric": 0.8 + 0.001 * trial.split,
            "peak_memory_bytes": 1000,
            **{name: value for name, value in figures.items() if name != "seconds"},
        }
        return TrialRecord(
            trial_id=uuid7(), fingerprint=trial.fingerprint("1", "hardware", self.code + options.occasion),
            session_id=session.session_id, machine_id=MACHINE.machine_id, dataset=GRID, dataset_version="1",
            method=trial.method.name, protocol=trial.protocol.key(), protocol_settings=trial.protocol.settings(),
            preset=None, split=trial.split, seed=trial.seed, repeat=trial.repeat, device="cpu",
            started_at=self.now, **fields,
        )  # fmt: skip

    def rows(self) -> list[TrialRecord]:
        return Reader(self.store).trials()

    # as a listener

    def planned(self, total: int, skipped: int) -> None:
        return None

    def progress(self, trial: PlannedTrial, event: dict[str, Any]) -> None:
        return None

    def ended(self, trial: PlannedTrial, record: TrialRecord) -> None:
        return None

    def notice(self, sentence: str) -> None:
        self.notices.append(sentence)


def _own(trial: PlannedTrial) -> PlannedTrial:
    """With its share of the machine, as a runner settles it."""
    return replace(trial, protocol=replace(trial.protocol, threads=1))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture(scope="session")
def slowed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Outlook]:
    """A night on which the candidate takes a tenth longer, and keeps doing so, after quiet ones."""
    world = World(tmp_path_factory.mktemp("slowed"))
    world.past()
    world.code = "c1"
    world.figures = lambda trial: {"seconds": 1.1 if trial.method.name == CANDIDATE else 1.0}
    night = world.night()
    world.write()
    return world, night

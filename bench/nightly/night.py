"""One night: run the suite, judge it, measure again what is suspicious until every verdict is final."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from filelock import FileLock, Timeout

from bench import runner
from bench import suite as suites
from bench.datasets.folders import cache_folder
from bench.errors import BenchError
from bench.identifiers import uuid7
from bench.nightly.cases import Case
from bench.nightly.judge import cases
from bench.nightly.past import Past, read_past
from bench.plan import PlannedTrial, plan
from bench.runner import Listener, Options
from db.read import Reader
from db.records import MachineRecord, SessionRecord, TrialRecord
from db.scoring.history import AGAIN
from db.scoring.regression import Outcome


@dataclass(frozen=True)
class Outlook:
    """What a night found."""

    session: SessionRecord
    machine: MachineRecord
    device: str
    past: Past
    cases: tuple[Case, ...]
    reruns: int
    """Sessions that measured something again."""
    missing: tuple[str, ...]
    """One sentence a dataset that could not be had."""

    def of(self, outcome: Outcome) -> list[Case]:
        """The cases that ended so."""
        return [case for case in self.cases if case.verdict.outcome is outcome]


def run_night(options: Options, listener: Listener) -> Outlook:
    """Run the suite `options.suite` as a new night of the store `options.store`, whatever is stored already.

    Raises:
        BenchError: another nightly runs here, or no trial could be run.
        StoreError: the store cannot be read or written; what is in it stays.
        KeyboardInterrupt: the user stopped it; what had finished is stored, and the night is a part of one.
    """
    assert options.suite is not None
    trials = plan(suites.load(options.suite))
    with _alone(options.cache_dir):
        night = _Night(options, listener)
        tonight = night.measure(trials, options.suite)
        session_id = next(iter(tonight.values())).session_id
        reader = Reader(options.store)
        stored = reader.overview()
        session = next(session for session in stored.sessions if session.session_id == session_id)
        machine = next(machine for machine in stored.machines if machine.machine_id == session.machine_id)
        past = read_past(reader, stored.sessions, session)
        found = cases(tonight, session, past, stored.methods)
        reruns = night.confirm(found, list(tonight))
        return Outlook(session, machine, options.device, past, tuple(found), reruns, tuple(night.missing))


class _Night:
    """Runs sessions of one night."""

    def __init__(self, options: Options, listener: Listener) -> None:
        self._options, self._listener = options, listener
        self.missing: list[str] = []

    def measure(self, trials: Sequence[PlannedTrial], suite: str) -> dict[PlannedTrial, TrialRecord]:
        """Run trials in a session of their own, in the order of the plan."""
        recorder = _Recorder(self._listener)
        options = replace(self._options, suite=suite, occasion=f" night {uuid7()}")
        report = runner.run(trials, options, recorder)
        if report.interrupted:
            raise KeyboardInterrupt
        if not recorder.records:
            raise BenchError(f"the suite '{suite}' ran no trial, so there is no night to judge")
        self.missing += report.missing
        return {trial: recorder.records[trial] for trial in recorder.in_order(trials)}

    def confirm(self, found: Sequence[Case], order: Sequence[PlannedTrial]) -> int:
        """Measure again until no case wants it; returns the number of sessions."""
        sessions = 0
        while wanting := [case for case in found if case.wanted]:
            if sessions == 0:
                self._listener.notice(f"{len(wanting)} suspicious; measuring again")
            asked = [case.again() for case in wanting]
            records = self.measure(_interleaved(asked, order), f"{self._options.suite}{AGAIN}")
            for case, trials in zip(wanting, asked, strict=True):
                case.add(trials, records)
            sessions += 1
        return sessions


def _interleaved(asked: Sequence[Sequence[PlannedTrial]], order: Sequence[PlannedTrial]) -> list[PlannedTrial]:
    """What cases ask for, each trial once: those of the plan in its order, and then those with fresh seeds."""
    wanted = dict.fromkeys(trial for trials in asked for trial in trials)
    planned = [trial for trial in order if trial in wanted]
    return planned + [trial for trial in wanted if trial not in set(planned)]


class _Recorder:
    """A listener that keeps what ended and tells another one everything."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.records: dict[PlannedTrial, TrialRecord] = {}

    def in_order(self, trials: Sequence[PlannedTrial]) -> list[PlannedTrial]:
        """The trials that ended, in the order they were planned in, which several at a time do not end in."""
        places = {_without_share(trial): position for position, trial in enumerate(trials)}
        return sorted(self.records, key=lambda trial: places[_without_share(trial)])

    def planned(self, total: int, skipped: int) -> None:
        self._listener.planned(total, skipped)

    def progress(self, trial: PlannedTrial, event: dict[str, Any]) -> None:
        self._listener.progress(trial, event)

    def ended(self, trial: PlannedTrial, record: TrialRecord) -> None:
        self.records[trial] = record
        self._listener.ended(trial, record)

    def notice(self, sentence: str) -> None:
        self._listener.notice(sentence)


def _without_share(trial: PlannedTrial) -> PlannedTrial:
    return replace(trial, protocol=replace(trial.protocol, threads=None, jobs=1))


@contextmanager
def _alone(cache_dir: str | None) -> Iterator[None]:
    """Hold the nightly of this machine; a kill lets it go.

    Raises:
        BenchError: another one holds it.
    """
    path = cache_folder(cache_dir) / "nightly.lock"
    lock = FileLock(path, timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise BenchError(
            f"another nightly runs on this machine, and two would spoil each other's times; wait for it ('{path}')"
        ) from None
    except OSError as error:
        raise BenchError(
            f"the lock '{path}' cannot be taken: {error.strerror}; name a folder in LEANGNN_CACHE"
        ) from error
    try:
        yield
    finally:
        lock.release()

"""The trust ladder: who said what about a submission, when and why. Steps are only ever added.

A trial's trust is the newest step of its submission, or of its method where it was measured here. A retraction also
disputes everything whose method is derived from the retracted one, directly or through others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from db.convert import plain_row
from db.database import Database
from db.derivation import all_parents, approved_parents, lineage, parent_of
from db.errors import StoreError
from db.migrations import is_ready
from db.records import MethodCard, MethodRecord, SubmissionRecord, Trust, TrustEvent
from db.schema import Machine, Method, Session, Submission, Trial
from db.schema import MethodCard as MethodCardTable
from db.schema import TrustEvent as TrustEventTable
from db.standing import standing_of_method, standings
from db.store import Store, delete_trials, record_trial, upsert
from db.submitted import Submitted, named, read_events, read_submitted

if TYPE_CHECKING:
    from db.bundle.records import Addition

_ALWAYS = (Trust.DISPUTED, Trust.RETRACTED)
_NEXT = {
    Trust.SELF_REPORTED: (Trust.CHECKED, Trust.REJECTED, *_ALWAYS),
    Trust.CHECKED: (Trust.REPRODUCED, *_ALWAYS),
    Trust.REPRODUCED: (Trust.REPRODUCED, *_ALWAYS),
    Trust.DISPUTED: (Trust.CHECKED, Trust.REPRODUCED, Trust.REJECTED, *_ALWAYS),
}
"""The steps of a submission. What was retracted or rejected comes back as a new bundle only."""
_NEXT_HERE = {Trust.MEASURED_HERE: _ALWAYS, Trust.DISPUTED: (Trust.MEASURED_HERE, *_ALWAYS)}
"""The steps of trials that were measured here."""


@dataclass(frozen=True)
class _Subject:
    """What a step is about: a submission, or the trials of a method that were measured here."""

    method: str
    state: Trust
    submission_id: str | None = None
    machine_id: str | None = None

    @property
    def name(self) -> str:
        if self.submission_id is None:
            return f"'{self.method}' as measured here"
        return f"submission {self.submission_id[:12]}"


def add(store: Store, addition: Addition, report: dict[str, Any], who: str, why: str) -> list[TrustEvent]:
    """Store a checked bundle as self-reported, all of it or nothing.

    Where its method is derived from a retracted one, it is disputed at once.

    Returns:
        The steps that were added, oldest first.

    Raises:
        StoreError: the bundle is in the store already, one of its methods is known there as something else, or the
            database cannot be written.
    """
    return _taken_once(store, lambda connection: _add(connection, addition, report, who, why))


def refusal(url_or_path: str | Path, addition: Addition) -> str | None:
    """Why a store would not take a bundle, in one sentence, read without opening the store for writing; else None."""
    database = Database(url_or_path)
    if database.is_absent:
        return None
    with database.reading() as connection:
        return _refusal(connection, addition) if is_ready(connection, database.name) else None


def move(
    store: Store, word: str, state: Trust, who: str, why: str, evidence: dict[str, Any] | None = None
) -> list[TrustEvent]:
    """Add a step.

    Args:
        word: the first characters of a submission's identifier, or the name of a method that was measured here.
        state: where to; `CHECKED` approves. For a method that was measured here, approving gives back `MEASURED_HERE`.
        evidence: figures behind the step.

    Returns:
        The step, then those of everything that it marked.

    Raises:
        StoreError: nothing or several things have this name, the step is not possible, a reason is missing, or the
            database cannot be written.
    """
    if not who.strip() or not why.strip():
        raise StoreError("a step on the trust ladder needs who took it and why; give --who and --why")
    return _taken_once(store, lambda connection: _move(connection, word, state, who.strip(), why.strip(), evidence))


def settle(connection: Connection) -> None:
    """Bring every stored trial to its newest step, after steps came from another store."""
    standing = standings(connection)
    for machine_id, state in standing.by_machine.items():
        _apply(connection, _Subject("", state, "", machine_id), state)
    for method, state in standing.by_method.items():
        _apply(connection, _Subject(method, state), state)


def _taken_once(store: Store, work: Callable[[Connection], list[TrustEvent]]) -> list[TrustEvent]:
    """The steps of `work`; those of a commit whose answer was lost are found again and not taken twice."""
    taken: list[TrustEvent] = []

    def once(connection: Connection) -> list[TrustEvent]:
        nonlocal taken
        known = select(TrustEventTable.event_id).where(TrustEventTable.event_id.in_([step.event_id for step in taken]))
        if not connection.scalars(known).all():
            taken = work(connection)
        return taken

    return store.write(once)


def _add(connection: Connection, addition: Addition, report: dict[str, Any], who: str, why: str) -> list[TrustEvent]:
    if (reason := _refusal(connection, addition)) is not None:
        raise StoreError(reason)
    manifest = addition.manifest
    record = SubmissionRecord(
        addition.submission_id,
        addition.machine.machine_id,
        datetime.now(UTC),
        manifest.submitter,
        manifest.method.name,
        manifest.model_dump(mode="json", exclude_defaults=True),
        report,
    )
    subject = _Subject(record.method, Trust.SELF_REPORTED, record.submission_id, record.machine_id)
    upsert(connection, Machine, plain_row(addition.machine))
    for session in addition.sessions:
        upsert(connection, Session, plain_row(session))
    connection.execute(insert(Submission), plain_row(record))
    events = [_note(connection, subject, Trust.SELF_REPORTED, who, why)]
    submissions = read_submitted(connection)
    above = lineage(manifest.card.derived_from, all_parents(connection, submissions))
    if retracted := sorted(above & _retracted(connection, submissions)):
        events.append(_note(connection, subject, Trust.DISPUTED, who, _derived(retracted[0])))
    datasets = {(dataset.name, dataset.version): dataset for dataset in addition.datasets}
    methods = {method.name: method for method in addition.methods}
    for trial in addition.trials:
        # in its last state at once, because DuckDB cannot update a row in the transaction that inserted it
        believed = replace(trial, trust=events[-1].state)
        record_trial(connection, believed, datasets[trial.dataset, trial.dataset_version], methods[trial.method])
    return events


def _refusal(connection: Connection, addition: Addition) -> str | None:
    for event in reversed(read_events(connection)):
        if event.submission_id == addition.submission_id:
            return (
                f"this bundle is in the store already, as {event.state.value} since {event.at:%Y-%m-%d} ({event.why})"
            )
    names = [method.name for method in addition.methods]
    rows = connection.execute(select(Method.__table__).where(Method.name.in_(names))).mappings()
    known = {row["name"]: MethodRecord(**row) for row in rows}
    for method in addition.methods:
        if method.name in known and known[method.name] != method:
            return f"the store knows '{method.name}' as made of other parts; give the method another name"
    return None


def _move(
    connection: Connection, word: str, state: Trust, who: str, why: str, evidence: dict[str, Any] | None
) -> list[TrustEvent]:
    submissions = read_submitted(connection)
    subject = _subject(connection, word, submissions)
    if subject.submission_id is None and state is Trust.CHECKED:
        state = Trust.MEASURED_HERE
    possible = (_NEXT_HERE if subject.submission_id is None else _NEXT).get(subject.state, ())
    # new figures may leave everything as it is
    if state not in possible and not (evidence and state is subject.state):
        words = ", ".join(step.value for step in possible) or "nothing; add a new bundle"
        raise StoreError(f"{subject.name} is {subject.state.value} and cannot become {state.value}; possible: {words}")
    events = [_note(connection, subject, state, who, why, evidence)]
    _apply(connection, subject, state)
    if state is Trust.CHECKED:
        manifest = next(
            item.record.manifest for item in submissions if item.record.submission_id == subject.submission_id
        )
        upsert(connection, MethodCardTable, plain_row(MethodCard(subject.method, **manifest["card"])))
    if state is Trust.RETRACTED:
        events += _dispute_derived(connection, subject, submissions, who)
    return events


def _subject(connection: Connection, word: str, submissions: list[Submitted]) -> _Subject:
    machines = {item.record.machine_id for item in submissions}
    rows = connection.execute(select(Trial.machine_id).where(Trial.method == word).distinct()).scalars()
    if any(machine not in machines for machine in rows):
        return _Subject(word, standing_of_method(connection, word) or Trust.MEASURED_HERE)
    return _subject_of(named(word, submissions))


def _subject_of(item: Submitted) -> _Subject:
    return _Subject(item.record.method, item.newest.state, item.record.submission_id, item.record.machine_id)


def _note(
    connection: Connection,
    subject: _Subject,
    state: Trust,
    who: str,
    why: str,
    evidence: dict[str, Any] | None = None,
) -> TrustEvent:
    """Add a step, later than every other, so that the order of steps never depends on the clock."""
    last = connection.scalar(select(TrustEventTable.at).order_by(TrustEventTable.at.desc()).limit(1))
    now = datetime.now(UTC)
    at = now if last is None else max(now, last + timedelta(microseconds=1))
    event = TrustEvent(uuid4().hex, subject.submission_id, subject.method, state, at, who, why, evidence)
    connection.execute(insert(TrustEventTable), {**plain_row(event), "state": state.value})
    return event


def _apply(connection: Connection, subject: _Subject, state: Trust) -> None:
    """Bring the trials that a step is about to its state; a rejected submission loses them."""
    if subject.machine_id is not None:
        own = Trial.machine_id == subject.machine_id
    else:
        own = (Trial.method == subject.method) & Trial.machine_id.not_in(select(Submission.machine_id))
    if state is Trust.REJECTED:
        delete_trials(connection, connection.scalars(select(Trial.trial_id).where(own)).all())
    else:
        connection.execute(update(Trial).where(own, Trial.trust != state.value).values(trust=state.value))


def _dispute_derived(
    connection: Connection, retracted: _Subject, submissions: list[Submitted], who: str
) -> list[TrustEvent]:
    """Dispute every submission and every method measured here that is derived from a retracted method.

    Trials that were measured here are marked by approved cards only: a stranger's card must not reach them.
    """
    every, approved, method = all_parents(connection, submissions), approved_parents(connection), retracted.method
    marked = [
        _subject_of(item)
        for item in submissions
        if method in lineage(parent_of(item), every)
        and Trust.DISPUTED in _NEXT.get(item.newest.state, ())
        and item.record.submission_id != retracted.submission_id
    ]
    here = select(Trial.method).where(Trial.machine_id.not_in(select(Submission.machine_id))).distinct()
    for name in connection.scalars(here).all():
        state = standing_of_method(connection, name) or Trust.MEASURED_HERE
        derived = any(method in lineage(parent, approved) for parent in approved.get(name, ()))
        itself = retracted.submission_id is None and name == method
        if derived and not itself and Trust.DISPUTED in _NEXT_HERE.get(state, ()):
            marked.append(_Subject(name, state))
    for subject in marked:
        _apply(connection, subject, Trust.DISPUTED)
    return [_note(connection, subject, Trust.DISPUTED, who, _derived(method)) for subject in marked]


def _retracted(connection: Connection, submissions: list[Submitted]) -> set[str]:
    """The methods of which something was retracted."""
    here = {method for method, state in standings(connection).by_method.items() if state is Trust.RETRACTED}
    return here | {item.record.method for item in submissions if item.newest.state is Trust.RETRACTED}


def _derived(method: str) -> str:
    return f"derived from {method}, which was retracted"

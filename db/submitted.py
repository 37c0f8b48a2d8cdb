"""Reading what was submitted, with the steps that were taken on the trust ladder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from db.database import Database
from db.errors import StoreError
from db.migrations import is_ready
from db.records import SubmissionRecord, Trust, TrustEvent
from db.schema import Submission
from db.schema import TrustEvent as TrustEventTable

_SHORTEST = 6
"""Characters that name a submission, when no other begins with them."""


@dataclass(frozen=True)
class Submitted:
    """One submission with its steps, oldest first."""

    record: SubmissionRecord
    events: tuple[TrustEvent, ...]

    @property
    def newest(self) -> TrustEvent:
        """The step that holds."""
        return self.events[-1]


def submitted(url_or_path: str | Path) -> list[Submitted]:
    """All submissions, oldest first.

    Raises:
        StoreError: the database cannot be read.
    """
    database = Database(url_or_path)
    if database.is_absent:
        return []
    with database.reading() as connection:
        return read_submitted(connection) if is_ready(connection, database.name) else []


def read_submitted(connection: Connection) -> list[Submitted]:
    """As `submitted`, on an open connection."""
    events: dict[str | None, list[TrustEvent]] = {}
    for event in read_events(connection):
        events.setdefault(event.submission_id, []).append(event)
    rows = connection.execute(select(Submission.__table__).order_by(Submission.received_at)).mappings()
    return [Submitted(SubmissionRecord(**row), tuple(events[row["submission_id"]])) for row in rows]


def read_events(connection: Connection) -> list[TrustEvent]:
    """Every step, oldest first."""
    table = TrustEventTable.__table__
    rows = connection.execute(select(table).order_by(table.c.at, table.c.event_id)).mappings()
    return [TrustEvent(**{**row, "state": Trust(row["state"])}) for row in rows]


def named(word: str, submissions: Iterable[Submitted]) -> Submitted:
    """The one submission whose identifier begins with these characters.

    Raises:
        StoreError: there is none, or there are several.
    """
    every = list(submissions)
    found = [item for item in every if item.record.submission_id.startswith(word)]
    if len(word) < _SHORTEST:
        raise StoreError(f"'{word}' is too short to name a submission; give {_SHORTEST} characters of its identifier")
    if not found:
        raise StoreError(f"no submission begins with '{word}'; see: leangnn submit list")
    if len(found) > 1:
        raise StoreError(f"{len(found)} submissions begin with '{word}'; give more characters")
    return found[0]

"""The nights that tonight is held to, read from the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from db.read import Reader
from db.records import SessionRecord, TrialRecord

REMEMBERED = 60
"""Newest nights that are read; levels of `db.scoring.regression` need a quarter of them."""

_HOLE = timedelta(hours=36)
_MINUTE = "%Y-%m-%d %H:%M UTC"


@dataclass(frozen=True)
class Past:
    """Nights of one suite on one machine, oldest first."""

    sessions: tuple[SessionRecord, ...]
    trials: tuple[TrialRecord, ...]
    notices: tuple[str, ...]
    """One sentence for whatever is odd about the history."""

    def session(self, session_id: str) -> SessionRecord:
        return next(session for session in self.sessions if session.session_id == session_id)


def read_past(reader: Reader, sessions: Iterable[SessionRecord], tonight: SessionRecord) -> Past:
    """The nights of tonight's suite on tonight's machine that are dated before it.

    Args:
        sessions: all of the store, oldest first.
        tonight: one of them.

    Raises:
        StoreError: the store cannot be read.
    """
    nights = [
        session
        for session in sessions
        if (session.suite, session.machine_id) == (tonight.suite, tonight.machine_id)
        and session.session_id != tonight.session_id
    ]
    future = [session for session in nights if session.started_at >= tonight.started_at]
    before = [session for session in nights if session.started_at < tonight.started_at][-REMEMBERED:]
    trials = reader.trials(session_id=[session.session_id for session in before]) if before else []
    return Past(tuple(before), tuple(trials), tuple(_notices(before, future, tonight)))


def _notices(before: list[SessionRecord], future: list[SessionRecord], tonight: SessionRecord) -> list[str]:
    sentences = []
    if future:
        newest = max(session.started_at for session in future)
        sentences.append(
            f"{len(future)} of the stored nights are dated after this one began ({tonight.started_at:{_MINUTE}}), the "
            f"latest {newest:{_MINUTE}}, and are left out; another nightly ran beside this one, or a clock is wrong."
        )
    if not before:
        sentences.append("This is the first night of the suite on this machine; the next ones are held to it.")
    dates = [session.started_at for session in (*before, tonight)]
    holes = [(later - earlier, earlier, later) for earlier, later in pairwise(dates) if later - earlier > _HOLE]
    if holes:
        length, earlier, later = max(holes)
        days = length.total_seconds() / 86400
        sentences.append(
            f"The history has holes, {len(holes)} in all; the longest is {days:.1f} days, from {earlier:{_MINUTE}} to "
            f"{later:{_MINUTE}}. Nights on both sides of a hole are taken as neighbours."
        )
    return sentences

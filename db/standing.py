"""How far trials can be believed: the newest step on the trust ladder, of a submission or of a method measured here."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from db.records import Trust
from db.schema import Submission, TrustEvent


@dataclass(frozen=True)
class Standings:
    """The newest step by the machine that a submission's trials are stored under, and by method for all others.

    Whatever has no step stands as it was stored.
    """

    by_machine: dict[str, Trust]
    by_method: dict[str, Trust]

    def of(self, machine_id: str, method: str, stored: str) -> Trust:
        """How far a trial can be believed that was stored as `stored`."""
        if machine_id in self.by_machine:
            return self.by_machine[machine_id]
        return self.by_method.get(method, Trust(stored))


def standings(connection: Connection) -> Standings:
    """The newest step of everything."""
    machines = dict(connection.execute(select(Submission.submission_id, Submission.machine_id)).all())
    found = Standings({}, {})
    query = select(TrustEvent.submission_id, TrustEvent.method, TrustEvent.state)
    for submission_id, method, state in connection.execute(query.order_by(TrustEvent.at)):
        if submission_id is None:
            found.by_method[method] = Trust(state)
        elif submission_id in machines:
            found.by_machine[machines[submission_id]] = Trust(state)
    return found


def standing_of_method(connection: Connection, method: str) -> Trust | None:
    """The newest step of a method's trials that were measured here; None when there was none."""
    steps = select(TrustEvent.state).where(TrustEvent.submission_id.is_(None), TrustEvent.method == method)
    state = connection.scalar(steps.order_by(TrustEvent.at.desc()).limit(1))
    return None if state is None else Trust(state)

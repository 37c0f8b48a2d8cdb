"""Writing. Each write is one short transaction on a connection of its own.

So that a kill leaves all of it or nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from db.convert import curve_rows, dynamics_rows, plain_row, trial_row
from db.database import WRITE_DEADLINE, Database, Result, retried
from db.errors import StoreError
from db.migrations import create_file, create_tables, is_ready
from db.records import DatasetRecord, MachineRecord, MethodRecord, SessionRecord, Status, TrialRecord, Trust
from db.schema import (
    PARTS_OF_TRIAL,
    Base,
    CurvePoint,
    Dataset,
    Dynamics,
    Machine,
    Method,
    Predictions,
    Session,
    Trial,
)
from db.standing import standing_of_method

_IDENTIFIERS_A_QUERY = 500


class Store:
    """The writer's door. A path names a DuckDB file, anything with `://` is an SQLAlchemy URL.

    Every method raises `StoreError` with one sentence when the database cannot be opened or written; what was
    stored before stays.
    """

    def __init__(self, url_or_path: str | Path, deadline: float = WRITE_DEADLINE) -> None:
        """`deadline` is in seconds: how long to wait for a file that another process holds, or a server that went away.

        A server that never answered is not waited for.
        """
        self._database = Database(url_or_path)
        self._deadline = deadline
        # threads of one process share DuckDB's file, where two open transactions on one row make one fail
        self._turn = threading.Lock()

    def record_session(self, machine: MachineRecord, session: SessionRecord) -> None:
        """Store a session and the machine it runs on.

        A machine or session already there takes the new values.
        """

        def work(connection: Connection) -> None:
            upsert(connection, Machine, plain_row(machine))
            upsert(connection, Session, plain_row(session))

        self.write(work)

    def finish_session(
        self, session_id: str, finished_at: datetime, calibration_after: dict[str, float] | None
    ) -> None:
        """Note the end of a session; `calibration_after` holds seconds of each calibration kernel.

        Raises:
            StoreError: also when there is no such session.
        """

        def work(connection: Connection) -> None:
            known = connection.scalar(select(Session.session_id).where(Session.session_id == session_id))
            if known is None:
                raise StoreError(f"there is no session '{session_id}' to finish; record it first")
            values = {"finished_at": finished_at, "calibration_after": calibration_after}
            # without RETURNING, which makes DuckDB replace the row and so break the trials that refer to it
            connection.execute(update(Session).where(Session.session_id == session_id).values(values))

        self.write(work)

    def record_trial(self, trial: TrialRecord, dataset: DatasetRecord, method: MethodRecord) -> bool:
        """Store a trial with its curve, dynamics and predictions, and its dataset and method, all or nothing.

        A trial that has a metric is never replaced. One that failed is replaced by a new trial of its
        fingerprint, whose attempt becomes one more.

        Returns:
            Whether the trial is now the stored one of its fingerprint.

        Raises:
            StoreError: also when the session is unknown or a value breaks a rule of the tables.
        """
        return self.write(lambda connection: record_trial(connection, trial, dataset, method))

    def statuses(self, fingerprints: Iterable[str]) -> dict[str, Status]:
        """How the trials with these fingerprints ended; those never stored are left out."""
        if self._database.is_absent:
            return {}
        wanted = sorted(set(fingerprints))

        def once() -> dict[str, Status]:
            with self._database.reading(self._deadline) as connection:
                is_there = is_ready(connection, self._database.name)
                return _statuses(connection, wanted) if is_there else {}

        return retried(once)

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in one transaction, on tables that are there.

        It runs again when another writer came between or the server dropped the connection, perhaps after it had
        stored everything, so that `work` must find what it did already and not do it twice.
        """

        def once() -> Result:
            if self._database.is_absent and self._database.path is not None:
                create_file(self._database.path)
            with self._turn, self._database.writing(self._deadline) as connection:
                if not is_ready(connection, self._database.name):
                    create_tables(connection)
                return work(connection)

        return retried(once)


def record_trial(connection: Connection, trial: TrialRecord, dataset: DatasetRecord, method: MethodRecord) -> bool:
    """As `Store.record_trial`, within a transaction."""
    row = trial_row(trial)
    before = connection.execute(
        select(Trial.trial_id, Trial.status, Trial.attempt).where(Trial.fingerprint == trial.fingerprint)
    ).first()
    if before is not None:
        if before.trial_id == trial.trial_id or Status(before.status).has_metric:
            return before.trial_id == trial.trial_id
        row["attempt"] = before.attempt + 1
        delete_trials(connection, [before.trial_id])
    if trial.trust is Trust.MEASURED_HERE:
        row["trust"] = (standing_of_method(connection, trial.method) or trial.trust).value
    upsert(connection, Dataset, plain_row(dataset))
    upsert(connection, Method, plain_row(method))
    connection.execute(insert(Trial), row)
    if points := curve_rows(trial):
        connection.execute(insert(CurvePoint), points)
    if series := dynamics_rows(trial):
        connection.execute(insert(Dynamics), series)
    if trial.predictions is not None:
        connection.execute(insert(Predictions).values(trial_id=trial.trial_id, data=trial.predictions))
    return True


def _statuses(connection: Connection, fingerprints: Sequence[str]) -> dict[str, Status]:
    found: dict[str, Status] = {}
    for start in range(0, len(fingerprints), _IDENTIFIERS_A_QUERY):
        chunk = fingerprints[start : start + _IDENTIFIERS_A_QUERY]
        rows = connection.execute(select(Trial.fingerprint, Trial.status).where(Trial.fingerprint.in_(chunk)))
        found.update((fingerprint, Status(status)) for fingerprint, status in rows)
    return found


def delete_trials(connection: Connection, trial_ids: Sequence[str]) -> None:
    """Delete trials with everything that belongs to them."""
    for model in (*PARTS_OF_TRIAL, Trial):
        connection.execute(delete(model).where(model.__table__.c.trial_id.in_(trial_ids)))


def upsert(connection: Connection, model: type[Base], row: dict[str, Any]) -> None:
    """Insert the row, or bring the one with its key up to date.

    Reading first keeps to plain SQL, and leaves a row that is already right untouched, which spares two
    writers that store trials of one dataset a conflict over it.
    """
    table = model.__table__
    assert isinstance(table, Table)
    same_key = [column == row[column.name] for column in table.primary_key]
    before = connection.execute(select(table).where(*same_key)).mappings().first()
    if before is None:
        connection.execute(insert(table).values(row))
    # naming a key, even unchanged, would make DuckDB replace the row and so break the rows that refer to it
    elif changed := {name: value for name, value in row.items() if before[name] != value}:
        connection.execute(update(table).where(*same_key).values(changed))

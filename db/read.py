"""Reading. Every query opens the database read-only, reads and closes, so that a writer waits milliseconds at
most.

An absent database and one without tables read as empty lists; `Reader.exists` tells the difference to the
user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import JSON, Connection, Select, select

from db.convert import Dynamics, dynamics, trial_record
from db.database import WRITE_DEADLINE, Database, LockedError
from db.errors import StoreError
from db.migrations import is_ready
from db.parquet import SnapshotFolder, is_snapshot
from db.records import DatasetRecord, MachineRecord, MethodRecord, SessionRecord, TrialRecord
from db.schema import Base, CurvePoint, Dataset, Machine, Method, Predictions, Session, Trial
from db.schema import Dynamics as DynamicsTable
from db.scoring.board import BoardRow, board
from db.scoring.curve import Curve

Record = TypeVar("Record", DatasetRecord, MethodRecord, MachineRecord, SessionRecord)
Signature = tuple[tuple[int, int] | None, ...]

_PARTS = ("backbone", "strategy", "rescaler", "quantizer", "track", "reference")
_WHOLE_TABLE = 500
# a reference must stay in the sum when the user asks for one method, so only these narrow what is scored
_CONTEXT = ("dataset", "dataset_version", "protocol", "device", "machine_id")


@dataclass(frozen=True)
class StoreContents:
    """All a dashboard needs, read in one go."""

    read_at: datetime
    exists: bool
    stale: bool = False
    """Whether a writer held the file, so that these are the rows of an earlier reading."""
    trials: tuple[TrialRecord, ...] = ()
    """Without curves, dynamics and predictions."""
    curves: Mapping[str, Curve] | None = None
    """By trial_id."""
    datasets: tuple[DatasetRecord, ...] = ()
    methods: tuple[MethodRecord, ...] = ()
    machines: tuple[MachineRecord, ...] = ()
    sessions: tuple[SessionRecord, ...] = ()

    def board(self, **filters: Any) -> list[BoardRow]:
        """As `Reader.board`."""
        context, wanted = _split_filters(filters)
        trials = [trial for trial in self.trials if _matches(trial, context)]
        rows = board(trials, self.curves or {}, self.methods, self.datasets)
        return [row for row in rows if _matches(row, wanted)]


class Reader:
    """The reader's door, on a DuckDB file, an SQLAlchemy URL or the folder of a snapshot.

    Filters are keywords named like fields; a value is one word or a collection of words. A part of a method
    (`backbone="gcn"`) also matches with any parameters (`gcn(layers=3)`).

    Every method raises `StoreError` with one sentence when the database cannot be read or is of another
    schema version.
    """

    def __init__(self, url_or_path: str | Path, deadline: float = WRITE_DEADLINE) -> None:
        """`deadline` is in seconds: how long to wait for a file that a writer holds."""
        self._source = SnapshotFolder(url_or_path) if is_snapshot(url_or_path) else Database(url_or_path)
        self._deadline = deadline
        self._last: StoreContents | None = None
        self._last_signature: Signature | None = None

    @property
    def name(self) -> str:
        """The database as shown to a user, without a password."""
        return self._source.name

    def exists(self) -> bool:
        """Whether there is a database with our tables, even if it has no rows."""
        with self._tables(self._deadline) as connection:
            return connection is not None

    def trials(self, **filters: Any) -> list[TrialRecord]:
        """The trials that match, oldest first, without curves, dynamics and predictions.

        Filters: any field of `TrialRecord` but the documents, and backbone, strategy, rescaler, quantizer,
        track, reference.
        """
        with self._tables(self._deadline) as connection:
            return [] if connection is None else _trials(connection, filters)

    def curves(self, trial_ids: Iterable[str] | None = None) -> dict[str, Curve]:
        """The evaluations of these trials (of all when None) by trial_id; a trial without any is left out."""
        with self._tables(self._deadline) as connection:
            return {} if connection is None else _curves(connection, trial_ids)

    def dynamics(self, trial_id: str) -> dict[str, Dynamics]:
        """The dynamics of a trial by quantity; empty when none were recorded."""
        with self._tables(self._deadline) as connection:
            if connection is None:
                return {}
            query = select(DynamicsTable.__table__).where(DynamicsTable.trial_id == trial_id)
            rows = connection.execute(query.order_by(DynamicsTable.quantity)).mappings().all()
        return {row["quantity"]: dynamics(dict(row)) for row in rows}

    def datasets(self) -> list[DatasetRecord]:
        """All datasets, by name and version."""
        with self._tables(self._deadline) as connection:
            return _records(connection, Dataset, DatasetRecord)

    def methods(self) -> list[MethodRecord]:
        """All methods, by name."""
        with self._tables(self._deadline) as connection:
            return _records(connection, Method, MethodRecord)

    def machines(self) -> list[MachineRecord]:
        """All machines, by identifier."""
        with self._tables(self._deadline) as connection:
            return _records(connection, Machine, MachineRecord)

    def sessions(self) -> list[SessionRecord]:
        """All sessions, oldest first."""
        with self._tables(self._deadline) as connection:
            found = _records(connection, Session, SessionRecord)
        return sorted(found, key=lambda session: session.started_at)

    def predictions(self, trial_id: str) -> bytes | None:
        """The compressed predictions of a trial; None when it left none."""
        with self._tables(self._deadline) as connection:
            if connection is None:
                return None
            return connection.scalar(select(Predictions.data).where(Predictions.trial_id == trial_id))

    def board(self, **filters: Any) -> list[BoardRow]:
        """The rows of the board, scored from the stored trials.

        Filters: any field of `BoardRow`. Those that are not dataset, dataset_version, protocol, device or
        machine_id choose among the scored rows, so that they never change a figure.
        """
        context, _ = _split_filters(filters)
        return self._contents(self._deadline, context).board(**filters)

    def last_good(self, deadline: float = 1.0) -> StoreContents:
        """All rows; when a writer holds the file for longer than `deadline` seconds, those last read, marked
        stale.

        Raises:
            StoreError: the file was held for as long as the reader waits and nothing was read before.
        """
        signature = self._signature()
        if self._last is not None and signature is not None and signature == self._last_signature:
            # an unchanged file needs no lock, which leaves it to the writer
            return self._last
        try:
            self._last = self._contents(deadline if self._last else max(deadline, self._deadline), {})
            self._last_signature = signature
        except LockedError:
            if self._last is None:
                raise
            return replace(self._last, stale=True)
        return self._last

    def _contents(self, deadline: float, filters: Mapping[str, Any]) -> StoreContents:
        read_at = datetime.now(UTC)
        with self._tables(deadline) as connection:
            if connection is None:
                return StoreContents(read_at, exists=False)
            trials = _trials(connection, filters)
            return StoreContents(
                read_at,
                exists=True,
                trials=tuple(trials),
                curves=_curves(connection, [trial.trial_id for trial in trials] if filters else None),
                datasets=tuple(_records(connection, Dataset, DatasetRecord)),
                methods=tuple(_records(connection, Method, MethodRecord)),
                machines=tuple(_records(connection, Machine, MachineRecord)),
                sessions=tuple(_records(connection, Session, SessionRecord)),
            )

    @contextmanager
    def _tables(self, deadline: float) -> Iterator[Connection | None]:
        """A connection to our tables, or None when there are none."""
        if self._source.is_absent:
            yield None
            return
        with self._source.reading(deadline) as connection:
            yield connection if is_ready(connection, self._source.name) else None

    def _signature(self) -> Signature | None:
        """What changes when the file does; None when that cannot be told without a query."""
        path = self._source.path
        if path is None:
            return None
        return tuple(_stamp(file) for file in (path, path.with_name(path.name + ".wal")))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _records(connection: Connection | None, model: type[Base], record: type[Record]) -> list[Record]:
    if connection is None:
        return []
    table = model.__table__
    rows = connection.execute(select(table).order_by(*table.primary_key)).mappings()
    return [record(**row) for row in rows]


def _trials(connection: Connection, filters: Mapping[str, Any]) -> list[TrialRecord]:
    columns = {name: column for name, column in Trial.__table__.columns.items() if not isinstance(column.type, JSON)}
    if unknown := sorted(set(filters) - set(columns) - set(_PARTS)):
        raise StoreError(f"trials cannot be filtered by '{unknown[0]}'; use one of: {', '.join((*columns, *_PARTS))}")
    query: Select[Any] = select(Trial.__table__)
    for name, value in filters.items():
        if name in columns:
            query = query.where(columns[name].in_(_choices(value)))
    if parts := {name: value for name, value in filters.items() if name in _PARTS}:
        methods = _records(connection, Method, MethodRecord)
        query = query.where(Trial.method.in_([method.name for method in methods if _matches(method, parts)]))
    rows = connection.execute(query.order_by(Trial.started_at, Trial.trial_id)).mappings()
    return [trial_record(dict(row)) for row in rows]


def _curves(connection: Connection, trial_ids: Iterable[str] | None) -> dict[str, Curve]:
    names = [field.name for field in fields(Curve)]
    table = CurvePoint.__table__
    query = select(table.c.trial_id, *(table.c[name] for name in names)).order_by(table.c.trial_id, table.c.position)
    wanted = None if trial_ids is None else set(trial_ids)
    # a long list of identifiers costs more than reading the rows it leaves out
    if wanted is not None and len(wanted) <= _WHOLE_TABLE:
        query = query.where(table.c.trial_id.in_(wanted))
    rows = connection.execute(query).all()
    if not rows:
        return {}
    owner, *values = zip(*rows, strict=True)
    arrays = [_array(column, name) for name, column in zip(names, values, strict=True)]
    starts = [0, *(index for index in range(1, len(owner)) if owner[index] != owner[index - 1]), len(owner)]
    return {
        owner[start]: Curve(*(array[start:end] for array in arrays))
        for start, end in pairwise(starts)
        if wanted is None or owner[start] in wanted
    }


def _array(values: tuple[Any, ...], name: str) -> NDArray[Any]:
    whole = name in ("epoch", "step", "node_visits", "edge_visits")
    return np.array(values, dtype=np.int64 if whole else np.float64)


def _choices(value: Any) -> list[Any]:
    several = isinstance(value, Iterable) and not isinstance(value, str)
    return list(value) if several else [value]


def _split_filters(filters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    known = [field.name for field in fields(BoardRow)]
    if unknown := sorted(set(filters) - set(known)):
        raise StoreError(f"the board cannot be filtered by '{unknown[0]}'; use one of: {', '.join(known)}")
    context = {name: value for name, value in filters.items() if name in _CONTEXT}
    return context, {name: value for name, value in filters.items() if name not in _CONTEXT}


def _matches(item: object, filters: Mapping[str, Any]) -> bool:
    return all(
        any(
            getattr(item, name) == choice or _is_spec_of(getattr(item, name), name, choice)
            for choice in _choices(value)
        )
        for name, value in filters.items()
    )


def _is_spec_of(value: Any, name: str, word: Any) -> bool:
    return name in _PARTS and str(value).startswith(f"{word}(")

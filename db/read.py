"""Reading. Every query opens the database read-only, reads and closes, so that a writer waits milliseconds at
most.

An absent database and one without tables read as empty lists; `Reader.exists` tells the difference to the
user.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import JSON, ColumnElement, Connection, Executable, RowMapping, Select, func, select

from db.convert import FIGURE_COLUMNS, Dynamics, dynamics, trial_figures, trial_record
from db.database import WRITE_DEADLINE, Database, Result, retried
from db.errors import StoreError
from db.migrations import is_ready
from db.parquet import SnapshotFolder, is_snapshot
from db.records import DatasetRecord, MachineRecord, MethodRecord, SessionRecord, Status, TrialFigures, TrialRecord
from db.schema import Base, Dataset, Machine, Method, Predictions, Session, Trial, TrustEvent
from db.schema import Dynamics as DynamicsTable
from db.scoring.board import BoardRow, Gathered, score
from db.scoring.curve import Curve
from db.stored_board import stored_board
from db.stored_curves import stored_curves
from db.stored_protocols import stored_protocols

Record = TypeVar("Record", DatasetRecord, MethodRecord, MachineRecord, SessionRecord)

_PARTS = ("backbone", "strategy", "rescaler", "quantizer", "track", "reference")


@dataclass(frozen=True)
class Overview:
    """What a store holds, without its trials and curves."""

    read_at: datetime
    exists: bool
    """Whether there is a database with our tables, even if it has no rows."""
    trials: int = 0
    failed: int = 0
    """Trials that ended without a metric."""
    newest_trial: str | None = None
    """Identifier of the trial that started last."""
    measured: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Names of the methods that have trials, sorted, by name of the dataset."""
    datasets: tuple[DatasetRecord, ...] = ()
    methods: tuple[MethodRecord, ...] = ()
    machines: tuple[MachineRecord, ...] = ()
    sessions: tuple[SessionRecord, ...] = ()
    protocols: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The settings by protocol."""
    stale: bool = False
    """Whether a writer holds the file, so that these are the rows of an earlier reading."""


class Reader:
    """The reader's door, on a DuckDB file, an SQLAlchemy URL or the folder of a snapshot.

    Filters are keywords named like fields; a value is one word or a collection of words. A part of a method
    (`backbone="gcn"`) also matches with any parameters (`gcn(layers=3)`).

    Every method raises `StoreError` with one sentence when the database cannot be read or is of another
    schema version.
    """

    def __init__(self, url_or_path: str | Path, deadline: float = WRITE_DEADLINE) -> None:
        """`deadline` is in seconds: how long to wait for a file that a writer holds, or a server that went away."""
        self._source = SnapshotFolder(url_or_path) if is_snapshot(url_or_path) else Database(url_or_path)
        self._deadline = deadline

    @property
    def name(self) -> str:
        """The database as shown to a user, without a password."""
        return self._source.name

    def exists(self) -> bool:
        """Whether there is a database with our tables, even if it has no rows."""
        return self.read(lambda _: True, False)

    def overview(self) -> Overview:
        """Counts, and the small tables."""
        read_at = datetime.now(UTC)
        return self.read(lambda connection: _overview(connection, read_at), Overview(read_at, exists=False))

    def trials(self, **filters: Any) -> list[TrialRecord]:
        """The trials that match, oldest first, without curves, dynamics and predictions.

        Filters: any field of `TrialRecord` but the documents, and backbone, strategy, rescaler, quantizer,
        track, reference.
        """
        every = select(Trial.__table__)
        rows: Sequence[RowMapping] = self.read(lambda connection: _trial_rows(connection, every, filters), [])
        # with the store closed again, because this takes longer than reading
        return [trial_record(dict(row)) for row in rows]

    def trial_figures(self, **filters: Any) -> list[TrialFigures]:
        """The trials that match, as `trials`, without their documents: for thousands of them."""
        figures = select(*(Trial.__table__.c[name] for name in FIGURE_COLUMNS))
        rows: Sequence[RowMapping] = self.read(lambda connection: _trial_rows(connection, figures, filters), [])
        return [trial_figures(dict(row)) for row in rows]

    def curves(self, trial_ids: Iterable[str] | None = None, points: int | None = None) -> dict[str, Curve]:
        """The evaluations of these trials (of all when None) by trial_id; a trial without any is left out.

        Args:
            points: at most so many evaluations a trial, the first, the best and the last among them; None for all.

        Raises:
            ValueError: `points` is below `db.stored_curves.FEWEST_POINTS`.
        """
        return self.read(lambda connection: stored_curves(connection, trial_ids, points), {})

    def dynamics(self, trial_id: str) -> dict[str, Dynamics]:
        """The dynamics of a trial by quantity; empty when none were recorded."""
        query = select(DynamicsTable.__table__).where(DynamicsTable.trial_id == trial_id)
        query = query.order_by(DynamicsTable.quantity)
        rows: Sequence[Any] = self.read(lambda connection: connection.execute(query).all(), [])
        return {row.quantity: dynamics(row._asdict()) for row in rows}

    def datasets(self) -> list[DatasetRecord]:
        """All datasets, by name and version."""
        return self.read(lambda connection: _records(connection, Dataset, DatasetRecord), [])

    def methods(self) -> list[MethodRecord]:
        """All methods, by name."""
        return self.read(lambda connection: _records(connection, Method, MethodRecord), [])

    def machines(self) -> list[MachineRecord]:
        """All machines, by identifier."""
        return self.read(lambda connection: _records(connection, Machine, MachineRecord), [])

    def sessions(self) -> list[SessionRecord]:
        """All sessions, oldest first."""
        return self.read(_sessions, [])

    def predictions(self, trial_id: str) -> bytes | None:
        """The compressed predictions of a trial; None when it left none."""
        query = select(Predictions.data).where(Predictions.trial_id == trial_id)
        return self.read(lambda connection: connection.scalar(query), None)

    def board(self, **filters: Any) -> list[BoardRow]:
        """The rows of the board, scored from the stored trials.

        Filters: any field of `BoardRow`. They choose among the scored rows, so that they never change a figure.
        """
        known = [each.name for each in fields(BoardRow)]
        if unknown := sorted(set(filters) - set(known)):
            raise StoreError(f"the board cannot be filtered by '{unknown[0]}'; use one of: {', '.join(known)}")
        # what a figure hangs on lies within its dataset
        chosen = [Trial.dataset.in_(_choices(filters["dataset"]))] if "dataset" in filters else []
        gathered: Gathered | None = self.read(
            lambda connection: stored_board(
                connection,
                _records(connection, Method, MethodRecord),
                _records(connection, Dataset, DatasetRecord),
                *chosen,
            ),
            None,
        )
        return [row for row in _scored(gathered) if _matches(row, filters)]

    def beside(self, methods: Iterable[str], reference: str) -> list[BoardRow]:
        """The board of these methods alone, each held against `reference`, one of them, instead of its own."""
        names = {*methods, reference}

        def work(connection: Connection) -> Gathered | None:
            held = [replace(method, reference=reference) for method in _records(connection, Method, MethodRecord)]
            return stored_board(connection, held, _records(connection, Dataset, DatasetRecord), Trial.method.in_(names))

        return _scored(self.read(work, None))

    def signature(self) -> Hashable:
        """What changes when the rows may have: of a file its time and size, of a server its counts and newest rows.

        Raises:
            StoreError: the server cannot be asked.
        """
        path = self._source.path
        if path is not None:
            return tuple(_stamp(file) for file in (path, path.parent / f"{path.name}.wal"))
        queries: Sequence[Executable] = [
            # a trial that replaces a failed one changes no count, and its name may sort before that of another
            select(func.max(Trial.trial_id), func.count(Trial.trial_id), func.sum(Trial.attempt)),
            select(func.count(Session.session_id), func.count(Session.finished_at)),
            select(func.max(TrustEvent.at)),
        ]
        found: tuple[Any, ...] = self.read(
            lambda connection: tuple(tuple(connection.execute(query).one()) for query in queries), ()
        )
        return found

    def read(self, work: Callable[[Connection], Result], otherwise: Result) -> Result:
        """What `work` reads through one read-only connection; `otherwise` where there are no tables."""
        if self._source.is_absent:
            return otherwise

        def once() -> Result:
            with self._source.reading(self._deadline) as connection:
                return work(connection) if is_ready(connection, self._source.name) else otherwise

        return retried(once)


def _scored(gathered: Gathered | None) -> list[BoardRow]:
    # with the store closed again, because scoring takes longer than reading
    return [] if gathered is None else score(gathered)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _overview(connection: Connection, read_at: datetime) -> Overview:
    rows = connection.execute(select(Trial.status, func.count()).group_by(Trial.status))
    counts = {Status(status): count for status, count in rows}
    return Overview(
        read_at,
        exists=True,
        trials=sum(counts.values()),
        failed=sum(count for status, count in counts.items() if not status.has_metric),
        newest_trial=connection.scalar(
            select(Trial.trial_id).order_by(Trial.started_at.desc(), Trial.trial_id.desc()).limit(1)
        ),
        measured=_measured(connection),
        datasets=tuple(_records(connection, Dataset, DatasetRecord)),
        methods=tuple(_records(connection, Method, MethodRecord)),
        machines=tuple(_records(connection, Machine, MachineRecord)),
        sessions=tuple(_sessions(connection)),
        protocols=stored_protocols(connection),
    )


def _measured(connection: Connection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    pairs = select(Trial.dataset, Trial.method).distinct().order_by(Trial.dataset, Trial.method)
    for dataset, method in connection.execute(pairs):
        found.setdefault(dataset, []).append(method)
    return found


def _sessions(connection: Connection) -> list[SessionRecord]:
    return sorted(_records(connection, Session, SessionRecord), key=lambda session: session.started_at)


def _records(connection: Connection, model: type[Base], record: type[Record]) -> list[Record]:
    table = model.__table__
    rows = connection.execute(select(table).order_by(*table.primary_key)).mappings()
    return [record(**row) for row in rows]


def _trial_rows(connection: Connection, query: Select[Any], filters: Mapping[str, Any]) -> Sequence[RowMapping]:
    query = query.where(*_conditions(connection, filters))
    return connection.execute(query.order_by(Trial.started_at, Trial.trial_id)).mappings().all()


def _conditions(connection: Connection, filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    columns = {name: column for name, column in Trial.__table__.columns.items() if not isinstance(column.type, JSON)}
    if unknown := sorted(set(filters) - set(columns) - set(_PARTS)):
        raise StoreError(f"trials cannot be filtered by '{unknown[0]}'; use one of: {', '.join((*columns, *_PARTS))}")
    conditions: list[ColumnElement[bool]] = [
        columns[name].in_(_choices(value)) for name, value in filters.items() if name in columns
    ]
    if parts := {name: value for name, value in filters.items() if name in _PARTS}:
        methods = _records(connection, Method, MethodRecord)
        conditions.append(Trial.method.in_([method.name for method in methods if _matches(method, parts)]))
    return conditions


def _choices(value: Any) -> list[Any]:
    several = isinstance(value, Iterable) and not isinstance(value, str)
    return list(value) if several else [value]


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

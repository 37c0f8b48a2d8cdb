"""Snapshots: the store as one Parquet file a table beside a manifest, to archive, to merge or to read in place."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import JSON, Connection, Table, insert, select
from sqlalchemy.types import TypeEngine

from db.convert import Row
from db.database import Database
from db.errors import StoreError
from db.migrations import is_ready, newest_version
from db.parquet import MANIFEST
from db.records import Status, Trust
from db.schema import PARTS_OF_TRIAL, Base, SchemaVersion, Session, Trial, UTCDateTime
from db.standing import standings
from db.store import Store, delete_trials, upsert
from db.trust import settle

_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bytes: pa.binary()}
_WITH_TRIALS = (Trial.__tablename__, *(model.__tablename__ for model in PARTS_OF_TRIAL))


def export_snapshot(url_or_path: str | Path, folder: str | Path) -> dict[str, int]:
    """Write all tables of a database into a folder; an older snapshot there is replaced, anything else is refused.

    The folder appears complete or not at all. Notes in it (`*.md`) stay.

    Returns:
        The number of rows by table.

    Raises:
        StoreError: there is no database, the folder holds something else, or it cannot be written.
    """
    database, folder = Database(url_or_path), Path(folder)
    if database.is_absent:
        raise StoreError(f"there is no database at '{database.name}' to export")
    if folder.exists() and not (folder / MANIFEST).is_file() and not _is_free(folder):
        raise StoreError(f"'{folder}' exists and is not a snapshot; name a new folder")
    with database.reading() as connection:
        if not is_ready(connection, database.name):
            raise StoreError(f"'{database.name}' holds no LeanGNN tables to export")
        tables = {table.name: _read(connection, table) for table in Base.metadata.sorted_tables}
    draft = folder.with_name(f".{folder.name}.{uuid4().hex}.draft")
    try:
        _write(draft, tables)
        for note in folder.glob("*.md"):
            shutil.copy2(note, draft)
        _put_in_place(draft, folder)
    except OSError as error:
        raise StoreError(f"cannot write the snapshot '{folder}': {error.strerror or error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return {name: table.num_rows for name, table in tables.items()}


def import_snapshot(url_or_path: str | Path, folder: str | Path) -> dict[str, int]:
    """Merge a snapshot into a database in one transaction; doing it twice changes nothing.

    Rows are matched by their keys and trials by fingerprint. What the database has stays, but for a failed trial whose
    fingerprint has a metric in the snapshot, a session that the snapshot knows to be finished, and the trust of trials
    whose newest step on the ladder is in the snapshot.

    Returns:
        The number of rows added or replaced by table.

    Raises:
        StoreError: the folder is no snapshot, is damaged or of another schema version, or the database
            cannot be written.
    """
    tables = _load(Path(folder))
    return Store(url_or_path).write(lambda connection: _merge(connection, tables))


def _is_free(folder: Path) -> bool:
    """Whether there is nothing but notes in a folder."""
    return folder.is_dir() and all(item.suffix == ".md" for item in folder.iterdir())


def _read(connection: Connection, table: Table) -> pa.Table:
    rows = connection.execute(select(table).order_by(*table.primary_key)).all()
    columns = {}
    for position, column in enumerate(table.columns):
        values = [row[position] for row in rows]
        if isinstance(column.type, JSON):
            values = [None if value is None else json.dumps(value, sort_keys=True) for value in values]
        columns[column.name] = pa.array(values, type=arrow_type(column.type))
    return pa.table(columns)


def arrow_type(kind: TypeEngine[Any]) -> pa.DataType:
    """What a column of this type is in a snapshot; a document is its JSON text."""
    if isinstance(kind, JSON):
        return pa.string()
    # in UTC without a zone, as in the database
    return pa.timestamp("us") if isinstance(kind, UTCDateTime) else _ARROW[kind.python_type]


def _write(draft: Path, tables: Mapping[str, pa.Table]) -> None:
    draft.mkdir(parents=True)
    manifest: dict[str, Any] = {"schema_version": newest_version(), "tables": {}}
    for name, table in tables.items():
        path = draft / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd")
        manifest["tables"][name] = {"rows": table.num_rows, "sha256": sha256(path)}
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def _put_in_place(draft: Path, folder: Path) -> None:
    former = draft.with_suffix(".former")
    if folder.exists():
        folder.rename(former)
    draft.rename(folder)
    shutil.rmtree(former, ignore_errors=True)


def _load(folder: Path) -> dict[str, list[Row]]:
    if not (folder / MANIFEST).is_file():
        raise StoreError(f"'{folder}' is not a snapshot, it has no {MANIFEST}; name the folder of a db export")
    damaged = StoreError(f"the snapshot '{folder}' is incomplete or damaged; export it again")
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        version = int(manifest["schema_version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged from error
    if version != newest_version():
        older = version < newest_version()
        advice = f"run: leangnn db upgrade --db {folder}" if older else "install a newer LeanGNN"
        raise StoreError(
            f"the snapshot '{folder}' has schema version {version} and this LeanGNN needs {newest_version()}; {advice}"
        )
    try:
        return {
            table.name: _load_table(folder / f"{table.name}.parquet", table, manifest["tables"][table.name])
            for table in Base.metadata.sorted_tables
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        raise damaged from error


def _load_table(path: Path, table: Table, expected: Mapping[str, Any]) -> list[Row]:
    if sha256(path) != expected["sha256"]:
        raise ValueError(f"{path} is not the file that was exported")
    rows: list[Row] = pq.read_table(path).to_pylist()
    if len(rows) != expected["rows"]:
        raise ValueError(f"{path} has {len(rows)} rows and not {expected['rows']}")
    if rows and set(rows[0]) != set(table.columns.keys()):
        raise ValueError(f"{path} has other columns than the table")
    for row in rows:
        for column in table.columns:
            row[column.name] = _loaded(row[column.name], column.type)
    return rows


def _loaded(value: Any, kind: TypeEngine[Any]) -> Any:
    if value is None:
        return None
    if isinstance(kind, JSON):
        return json.loads(value)
    return value.replace(tzinfo=UTC) if isinstance(kind, UTCDateTime) else value


def _merge(connection: Connection, tables: Mapping[str, list[Row]]) -> dict[str, int]:
    changed: dict[str, int] = {}
    for table in Base.metadata.sorted_tables:
        if table.name in (*_WITH_TRIALS, SchemaVersion.__tablename__):
            continue
        known = {tuple(row) for row in connection.execute(select(*table.primary_key))}
        new = [row for row in tables[table.name] if _key(row, table) not in known]
        changed[table.name] = _insert(connection, table, new)
    changed[Session.__tablename__] += _finish_sessions(connection, tables[Session.__tablename__])
    settle(connection)
    trials = _believed(connection, tables[Trial.__tablename__])
    wanted = _wanted_trials(connection, trials)
    for model in (Trial, *PARTS_OF_TRIAL):
        rows = trials if model is Trial else tables[model.__tablename__]
        rows = [row for row in rows if row["trial_id"] in wanted]
        changed[model.__tablename__] = _insert(connection, model.__table__, rows)
    return changed


def _finish_sessions(connection: Connection, rows: list[Row]) -> int:
    running = set(connection.scalars(select(Session.session_id).where(Session.finished_at.is_(None))))
    finished = [row for row in rows if row["session_id"] in running and row["finished_at"] is not None]
    for row in finished:
        upsert(connection, Session, row)
    return len(finished)


def _believed(connection: Connection, trials: list[Row]) -> list[Row]:
    """The trials as the steps of both stores leave them; those of a rejected submission are left out."""
    standing = standings(connection)
    for row in trials:
        row["trust"] = standing.of(row["machine_id"], row["method"], row["trust"]).value
    return [row for row in trials if row["trust"] != Trust.REJECTED.value]


def _wanted_trials(connection: Connection, rows: list[Row]) -> set[str]:
    """The trials to insert, after the failed ones they replace were deleted."""
    stored = {
        row.fingerprint: row for row in connection.execute(select(Trial.fingerprint, Trial.trial_id, Trial.status))
    }
    wanted = set()
    for row in rows:
        before = stored.get(row["fingerprint"])
        if before is not None:
            if Status(before.status).has_metric or not Status(row["status"]).has_metric:
                continue
            delete_trials(connection, [before.trial_id])
        wanted.add(row["trial_id"])
    return wanted


def _insert(connection: Connection, table: Any, rows: list[Row]) -> int:
    if rows:
        connection.execute(insert(table), rows)
    return len(rows)


def _key(row: Row, table: Table) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def sha256(path: Path) -> str:
    """Of a file's content, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

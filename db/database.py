"""How a database is named, opened and closed, and what its errors mean.

DuckDB gives its file to one writing process or to many reading ones, so a connection lives as long as one
piece of work and whoever finds the file taken tries again until a deadline.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, StatementError
from sqlalchemy.pool import NullPool

from db.errors import StoreError

WRITE_DEADLINE = 20.0
"""Seconds to wait for a database that another process holds."""

# DuckDB keeps what it has read until the file is closed, by default up to most of the machine's memory
_READING_MEMORY = "128MB"

_PAUSE = 0.01
# the last two come from threads of one process, of which one still closes the file or has it open in the other mode
_HELD = ("Could not set lock", "Unique file handle conflict", "different configuration")
# "invalidated" is what DuckDB says to those who shared a file with a writer that failed
_CONFLICT = ("Conflict on", "write-write conflict", "database has been invalidated", "deadlock detected")


class LockedError(StoreError):
    """Another process held the database until the deadline."""


class Database:
    """One database, named by a path (DuckDB) or by an SQLAlchemy URL; nothing is opened before it is needed.

    Raises:
        StoreError: the URL cannot be read or names a kind of database that is not installed.
    """

    def __init__(self, url_or_path: str | Path) -> None:
        self.url = parse_url(url_or_path)
        self.path = Path(self.url.database or "") if self.url.get_backend_name() == "duckdb" else None
        self.name = self.url.render_as_string(hide_password=True) if self.path is None else str(self.path)
        self._writing = self._engine(read_only=False)
        self._reading = self._engine(read_only=True)

    @property
    def is_absent(self) -> bool:
        """Whether the file is not there; a server is never absent."""
        return self.path is not None and not self.path.exists()

    @contextmanager
    def writing(self, deadline: float = WRITE_DEADLINE) -> Iterator[Connection]:
        """One transaction, committed at the end of the block and rolled back by an error.

        Raises:
            StoreError: the database cannot be opened or written; `LockedError` when another process holds it.
            DBAPIError: a conflict with another writer; the same work may be tried again.
        """
        with self._open(self._writing, deadline) as connection, self._speaking(writing=True), connection.begin():
            yield connection

    @contextmanager
    def reading(self, deadline: float = WRITE_DEADLINE) -> Iterator[Connection]:
        """One read-only connection, closed at the end of the block.

        Raises:
            StoreError: the database cannot be opened or read; `LockedError` when another process holds it.
        """
        with self._open(self._reading, deadline) as connection, self._speaking(writing=False), connection.begin():
            if self.path is not None:
                connection.exec_driver_sql(f"SET memory_limit = '{_READING_MEMORY}'")
            yield connection

    @contextmanager
    def _open(self, engine: Engine, deadline: float) -> Iterator[Connection]:
        end = time.monotonic() + deadline
        while True:
            try:
                connection = engine.connect()
                break
            except DBAPIError as error:
                if not _is_held(error):
                    raise StoreError(self._explain(error)) from error
                if time.monotonic() >= end:
                    raise LockedError(self._explain(error)) from error
            # without jitter two processes that met once would meet at every try
            time.sleep(_PAUSE * random.uniform(0.5, 1.5))
        with connection:
            yield connection

    @contextmanager
    def _speaking(self, writing: bool) -> Iterator[None]:
        try:
            yield
        except StatementError as error:
            if writing and isinstance(error, DBAPIError) and _is_conflict(error):
                raise
            raise StoreError(self._explain(error)) from error

    def _engine(self, read_only: bool) -> Engine:
        arguments = {"read_only": True} if read_only and self.path is not None else {}
        try:
            return create_engine(self.url, poolclass=NullPool, connect_args=arguments)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise StoreError(
                f"no driver for '{self.url.drivername}' is installed; for PostgreSQL, install leangnn[postgres]"
            ) from error

    def _explain(self, error: StatementError) -> str:
        """One sentence: what happened, with which database, and what to do."""
        said = " ".join(str(error.orig).split())
        if holder := re.search(r"\(PID (\d+)\)", said):
            return f"another process (PID {holder[1]}) holds '{self.name}'; wait for it to end or stop it"
        if _is_held(error):
            return f"another part of this process holds '{self.name}' in another mode; close it and try again"
        for sign, sentence in _SENTENCES:
            if re.search(sign, said):
                return sentence.format(name=self.name)
        return f"the database '{self.name}' refused the work, saying: {_first_sentence(said)}"


_SENTENCES = (
    ("No space left|disk full|File too large", "no space is left for '{name}'; free some and run again"),
    ("Is a directory", "'{name}' is a folder, not a database file; name a file in it"),
    ("Permission denied", "no permission to open '{name}'; choose another file with --db or LEANGNN_DB"),
    ("Read-only file system", "'{name}' lies on a read-only file system; choose another file with --db or LEANGNN_DB"),
    (
        "Not a directory|No such file",
        "the folder of '{name}' is not a folder that exists; create it or choose another file",
    ),
    (
        "not a valid DuckDB|Corrupt|checksum|Could not read enough bytes|Serialization|deserialize",
        "'{name}' is not a readable DuckDB database; move it away or restore it from a snapshot",
    ),
    ("newer version|different version of DuckDB", "'{name}' was written by a newer DuckDB; install that version"),
    (
        "onnection refused|could not translate|failed to resolve|timeout expired",
        "no database server answers at '{name}'; start it or correct the URL",
    ),
    ('database ".*" does not exist', "'{name}' does not exist on the server; create it first"),
)


def parse_url(url_or_path: str | Path) -> URL:
    """The URL of a database; a path names a DuckDB file.

    Raises:
        StoreError: the text cannot be read as a URL, or names a database that dies with its connection.
    """
    text = str(url_or_path)
    if "://" not in text:
        if not text:
            raise StoreError("the name of the database is empty; give a file or an SQLAlchemy URL")
        return URL.create("duckdb", database=text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # the latter for a port that is no number
        raise StoreError(
            f"'{text.partition('://')[0]}://...' is not an SQLAlchemy URL; write for example "
            "postgresql://user@host/leangnn"
        ) from error
    if url.get_backend_name() == "duckdb" and url.database in (None, "", ":memory:"):
        raise StoreError("a DuckDB database in memory is lost between two writes; name a file")
    # plain "postgresql" means psycopg2 to SQLAlchemy, and the driver we depend on is its successor
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


def _is_conflict(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed when it is run again."""
    said = str(error.orig)
    return (isinstance(error, IntegrityError) and "uplicate" in said) or any(sign in said for sign in _CONFLICT)


def _is_held(error: StatementError) -> bool:
    return any(sign in str(error.orig) for sign in _HELD)


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].strip().rstrip(".")[:300]

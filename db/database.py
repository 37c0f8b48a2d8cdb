"""How a database is named, opened and closed, and what its errors mean.

DuckDB gives its file to one writing process or to many reading ones, so a connection lives as long as one
piece of work and whoever finds the file taken tries again until a deadline. A server takes many writers, and goes
away now and then: whoever had an answer from it before waits for it until the same deadline.
"""

from __future__ import annotations

import random
import re
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, StatementError
from sqlalchemy.pool import NullPool

from db.errors import StoreError
from db.turnstile import Turnstile

Result = TypeVar("Result")

WRITE_DEADLINE = 20.0
"""Seconds to wait for a database that another process holds, or for a server that went away."""

# DuckDB keeps what it has read until the file is closed, by default up to most of the machine's memory
_READING_MEMORY = "128MB"

_PAUSE, _PAUSE_OF_SERVER = 0.01, 0.2
_TRIES = 10
# a host that drops what is sent to it would otherwise be waited for as long as the operating system does, minutes
_CONNECT_SECONDS = "10"
# the last two come from threads of one process, of which one still closes the file or has it open in the other mode
_HELD = ("Could not set lock", "Unique file handle conflict", "different configuration")
# "invalidated" is what DuckDB says to those who shared a file with a writer that failed
_CONFLICT = ("Conflict on", "write-write conflict", "database has been invalidated", "deadlock detected")
# two that make the tables of an empty server at once
_MADE_TWICE = re.compile(r'relation ".*" already exists')
_GONE = (
    "onnection refused|Is the server running|timeout expired|closed the connection|starting up|shutting down|"
    "in recovery mode|not yet accepting"
)
_STUCK = "^sending .* failed:|pipeline mode|command is already in progress"
_FULL = "too many clients|remaining connection slots"

# A server that answered this process is worth waiting for; one that never did is more likely a mistake in its URL.
_answered: set[str] = set()


class LockedError(StoreError):
    """Another process held the database until the deadline."""


class TransientError(StoreError):
    """Another writer came between, or the server dropped the connection; the same work may be done again."""


class Database:
    """One database, named by a path (DuckDB) or by an SQLAlchemy URL; nothing is opened before it is needed.

    Raises:
        StoreError: the URL cannot be read or names a kind of database that is not installed.
    """

    def __init__(self, url_or_path: str | Path) -> None:
        self.url = parse_url(url_or_path)
        self.path = Path(self.url.database or "") if self.url.get_backend_name() == "duckdb" else None
        self.name = self.url.render_as_string(hide_password=True) if self.path is None else str(self.path)
        self._turnstile = None if self.path is None else Turnstile(self.path)
        self._writing, self._reading = self._engines()

    @property
    def is_absent(self) -> bool:
        """Whether the file is not there; a server is never absent."""
        return self.path is not None and not self.path.exists()

    @contextmanager
    def writing(self, deadline: float = WRITE_DEADLINE) -> Iterator[Connection]:
        """One transaction, committed at the end of the block and rolled back by an error.

        Raises:
            StoreError: the database cannot be opened or written; `LockedError` when another process holds it,
                `TransientError` when the same work may be tried again.
        """
        with self._connect(self._writing, deadline) as connection, self._speaking(), connection.begin():
            yield connection

    @contextmanager
    def reading(self, deadline: float = WRITE_DEADLINE) -> Iterator[Connection]:
        """One read-only connection, closed at the end of the block, whose queries see the same moment.

        Raises:
            StoreError: the database cannot be opened or read; `LockedError` when another process holds it,
                `TransientError` when the same work may be tried again.
        """
        end = time.monotonic() + deadline
        if self._turnstile is not None:
            self._turnstile.passed(deadline)
        with self._connect(self._reading, end - time.monotonic()) as connection, self._speaking(), connection.begin():
            if self.path is not None:
                connection.exec_driver_sql(f"SET memory_limit = '{_READING_MEMORY}'")
            yield connection

    def _connect(self, engine: Engine, deadline: float) -> Connection:
        end = time.monotonic() + deadline
        with ExitStack() as waiting:
            for attempt in count():
                try:
                    connection = engine.connect()
                    break
                except DBAPIError as error:
                    is_held = _is_held(error)
                    if time.monotonic() >= end or not (is_held or self._is_away(error)):
                        raise (LockedError if is_held else StoreError)(self._explain(error)) from error
                if attempt == 0 and self._turnstile is not None and engine is self._writing:
                    waiting.enter_context(self._turnstile.taken(deadline))
                # without jitter two processes that met once would meet at every try
                time.sleep((_PAUSE if is_held else _PAUSE_OF_SERVER) * random.uniform(0.5, 1.5))
        if self.path is None:
            _answered.add(self.name)
        return connection

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except StatementError as error:
            if isinstance(error, DBAPIError) and self._is_lost(error):
                raise TransientError(f"the server dropped the connection to '{self.name}'; run again") from error
            if isinstance(error, DBAPIError) and _is_conflict(error):
                raise TransientError(f"'{self.name}' is in conflict with other writers; run again") from error
            raise StoreError(self._explain(error)) from error

    def _is_lost(self, error: DBAPIError) -> bool:
        return self.path is None and error.connection_invalidated

    def _is_away(self, error: DBAPIError) -> bool:
        """Whether a server that was there cannot be had for the moment."""
        return self.name in _answered and re.search(f"{_GONE}|{_FULL}", str(error.orig)) is not None

    def _engines(self) -> tuple[Engine, Engine]:
        """For writing, and for reading."""
        if self.path is not None:
            reading = self._engine(self.url, poolclass=NullPool, connect_args={"read_only": True})
            return self._engine(self.url, poolclass=NullPool), reading
        url = self.url.update_query_dict({"connect_timeout": _CONNECT_SECONDS, **self.url.query})
        # opening a connection costs a server more than storing a trial, so one is kept; it is looked at before it is
        # used, because the server may have gone and come back meanwhile
        server = self._engine(url, pool_size=1, max_overflow=-1, pool_pre_ping=True)
        event.listen(server, "handle_error", _drop_what_is_stuck)
        weakref.finalize(self, server.dispose)
        # by default each query would see what was stored until it began
        return server, server.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def _engine(self, url: URL, **settings: Any) -> Engine:
        try:
            return create_engine(url, **settings)
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


def _drop_what_is_stuck(context: ExceptionContext) -> None:
    """Call a connection lost that psycopg cannot speak over any more.

    When a server kills a connection in the middle of a pipeline, which psycopg makes of many rows, psycopg may say that
    it cannot send before it notices that nobody is there, and SQLAlchemy would keep the connection.
    """
    if re.search(_STUCK, str(context.original_exception)):
        context.is_disconnect = True


_SENTENCES = (
    (
        f"{_GONE}|could not translate|failed to resolve",
        "no database server answers at '{name}'; start it or correct the URL",
    ),
    (
        _FULL,
        "the server of '{name}' has no connection left; raise its max_connections or run fewer programs at a time",
    ),
    (
        'authentication failed|no password supplied|no pg_hba.conf entry|role ".*" does not exist',
        "the server does not let this user into '{name}'; correct the user or the password in the URL",
    ),
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
    ('database ".*" does not exist', "'{name}' does not exist on the server; create it first"),
)


def retried(work: Callable[[], Result]) -> Result:
    """What `work` returns; it runs again after a `TransientError`, a few times."""
    for attempt in range(1, _TRIES):
        try:
            return work()
        except TransientError:
            time.sleep(random.uniform(0.01, 0.05) * attempt)
    return work()


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
    is_double = (isinstance(error, IntegrityError) and "uplicate" in said) or _MADE_TWICE.search(said) is not None
    return is_double or any(sign in said for sign in _CONFLICT)


def _is_held(error: StatementError) -> bool:
    return any(sign in str(error.orig) for sign in _HELD)


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].strip().rstrip(".")[:300]

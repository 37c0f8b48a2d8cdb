"""Ordered forward migrations of the tables, from one integer version to the next.

The tables of `db.schema` are always the newest version. To change them: change `db.schema` and append to
`MIGRATIONS` the function that turns the version before into the new one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, insert, inspect, select, update

from db.database import Database
from db.errors import StoreError
from db.schema import Base, SchemaVersion

Migration = Callable[[Connection], None]


class OlderSchemaError(StoreError):
    """The tables are of a version that this code reads only after an upgrade."""

    def __init__(self, name: str, version: int) -> None:
        """`name` is the database as shown to a user, `version` that of its tables."""
        super().__init__(
            f"'{name}' has schema version {version} and this LeanGNN needs {newest_version()}; run: leangnn db upgrade"
        )
        self.name = name


def _add_schedule(connection: Connection) -> None:
    """Version 2 keeps the schedule of multiscale trials."""
    connection.exec_driver_sql("ALTER TABLE trials ADD COLUMN schedule JSON")


def _add_dynamics(connection: Connection) -> None:
    """Version 3 keeps the dynamics of training, and metrics beside the dataset's own."""
    connection.exec_driver_sql("ALTER TABLE trials ADD COLUMN further_metrics JSON")
    connection.exec_driver_sql(
        "CREATE TABLE dynamics (trial_id VARCHAR NOT NULL, quantity VARCHAR NOT NULL, epochs JSON NOT NULL, "
        '"values" JSON NOT NULL, PRIMARY KEY (trial_id, quantity))'
    )


def _add_submissions_and_published_figures(connection: Connection) -> None:
    """Version 4 keeps submissions with their steps on the trust ladder, cards of methods, and what papers printed."""
    for table in (
        "published_figures (figure_id VARCHAR NOT NULL PRIMARY KEY, paper VARCHAR NOT NULL, place VARCHAR NOT NULL, "
        "quantity VARCHAR NOT NULL, value DOUBLE PRECISION, spread DOUBLE PRECISION, dataset VARCHAR, method VARCHAR, "
        "preset VARCHAR, settings JSON NOT NULL, command VARCHAR, source VARCHAR NOT NULL, note VARCHAR NOT NULL, "
        "not_comparable VARCHAR)",
        "findings (finding_id VARCHAR NOT NULL PRIMARY KEY, paper VARCHAR NOT NULL, title VARCHAR NOT NULL, "
        "text VARCHAR NOT NULL, quantity VARCHAR, corrected JSON, release JSON, command VARCHAR, unmeasured VARCHAR)",
        "method_cards (method VARCHAR NOT NULL PRIMARY KEY, authors VARCHAR NOT NULL, paper VARCHAR, code_url VARCHAR, "
        "licence VARCHAR, derived_from VARCHAR, description VARCHAR NOT NULL)",
        "submissions (submission_id VARCHAR NOT NULL PRIMARY KEY, machine_id VARCHAR NOT NULL, "
        "received_at TIMESTAMP NOT NULL, submitter VARCHAR NOT NULL, method VARCHAR NOT NULL, manifest JSON NOT NULL, "
        "report JSON NOT NULL)",
        "trust_events (event_id VARCHAR NOT NULL PRIMARY KEY, submission_id VARCHAR, method VARCHAR NOT NULL, "
        'state VARCHAR NOT NULL, "at" TIMESTAMP NOT NULL, who VARCHAR NOT NULL, why VARCHAR NOT NULL, evidence JSON, '
        "CONSTRAINT known_state CHECK (state IN ('measured_here', 'self_reported', 'checked', 'reproduced', "
        "'disputed', 'retracted', 'rejected')))",
    ):
        connection.exec_driver_sql(f"CREATE TABLE {table}")


MIGRATIONS: list[Migration] = [_add_schedule, _add_dynamics, _add_submissions_and_published_figures]
"""The function at index i turns version i + 1 into version i + 2."""


def newest_version() -> int:
    """The version of the tables in `db.schema`."""
    return 1 + len(MIGRATIONS)


def stored_version(connection: Connection) -> int | None:
    """The version of the tables in a database; None when it has none of them."""
    if not inspect(connection).has_table(SchemaVersion.__tablename__):
        return None
    return connection.scalar(select(SchemaVersion.version))


def is_ready(connection: Connection, name: str) -> bool:
    """Whether the database has our tables, in the version of this code; False when it has none.

    Raises:
        StoreError: the tables are of another version; `OlderSchemaError` of an older one.
    """
    version = stored_version(connection)
    if version is None:
        return False
    refuse_newer(version, name)
    if version < newest_version():
        raise OlderSchemaError(name, version)
    return True


def create_tables(connection: Connection) -> None:
    """Make the tables of the newest version in a database that has none."""
    Base.metadata.create_all(connection)
    connection.execute(insert(SchemaVersion).values(version=newest_version()))


def create_file(path: Path) -> None:
    """Make a DuckDB file with the tables, all at once: whoever looks sees no file or a complete one.

    Raises:
        StoreError: the folder cannot be written.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with Database(draft).writing() as connection:
            create_tables(connection)
        # unlike a rename, a link never replaces the file that another process made meanwhile
        os.link(draft, path)
    except FileExistsError:
        if not path.exists():
            raise StoreError(f"the folder of '{path}' is not a folder; choose another file") from None
    except OSError as error:
        raise StoreError(f"cannot create '{path}': {error.strerror}; choose another file with --db") from error
    except StoreError as error:
        raise StoreError(str(error).replace(str(draft), str(path))) from error
    finally:
        for leftover in (draft, draft.with_name(draft.name + ".wal")):
            if os.path.lexists(leftover):
                leftover.unlink()


def upgrade(url_or_path: str | Path) -> tuple[int, int]:
    """Bring a database to the newest version, in one transaction; returns the versions before and after.

    Raises:
        StoreError: there is no database, its version is newer than this code, or it cannot be written.
    """
    database = Database(url_or_path)
    if database.is_absent:
        raise StoreError(f"there is no database at '{database.name}'; a run creates it")
    with database.writing() as connection:
        version = stored_version(connection)
        if version is None:
            raise StoreError(f"'{database.name}' holds no LeanGNN tables; a run creates them")
        refuse_newer(version, database.name)
        for migrate in MIGRATIONS[version - 1 :]:
            migrate(connection)
        connection.execute(update(SchemaVersion).values(version=newest_version()))
    return version, newest_version()


def refuse_newer(version: int, name: str) -> None:
    """Stop at tables that this code cannot know.

    Raises:
        StoreError: the version is newer than `newest_version`.
    """
    if version > newest_version():
        raise StoreError(
            f"'{name}' has schema version {version} and this LeanGNN knows up to {newest_version()}; "
            "install a newer LeanGNN"
        )

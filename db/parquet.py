"""The folder of a snapshot as a read-only database: one Parquet file a table, which DuckDB reads in place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from db.errors import StoreError
from db.schema import Base

MANIFEST = "manifest.json"


def is_snapshot(path: str | Path) -> bool:
    """Whether this is a folder with the manifest of a snapshot."""
    return "://" not in str(path) and (Path(path) / MANIFEST).is_file()


class SnapshotFolder:
    """Reads a snapshot as `db.database.Database` reads a file; nothing can be written."""

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / MANIFEST
        self.name = str(folder)
        self._folder = Path(folder)

    @property
    def is_absent(self) -> bool:
        """Whether the folder has lost its manifest."""
        return not self.path.exists()

    @contextmanager
    def reading(self, deadline: float = 0.0) -> Iterator[Connection]:
        """One connection on which each table is a view of its Parquet file; nobody locks these, so `deadline`
        is not needed.

        Raises:
            StoreError: a file is missing or damaged.
        """
        try:
            with create_engine("duckdb:///:memory:", poolclass=NullPool).connect() as connection:
                for table in Base.metadata.tables:
                    path = str(self._folder / f"{table}.parquet").replace("'", "''")
                    connection.exec_driver_sql(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{path}')")
                yield connection
        except DBAPIError as error:
            raise StoreError(f"the snapshot '{self.name}' is incomplete or damaged; export it again") from error

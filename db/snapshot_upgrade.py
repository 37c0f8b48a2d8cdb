"""Bringing a snapshot of an older schema version to the present one, where no database of it is left."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from db.database import Database
from db.errors import StoreError
from db.migrations import newest_version, refuse_newer, upgrade
from db.parquet import MANIFEST
from db.snapshot import export_snapshot, sha256


def upgrade_snapshot(folder: str | Path) -> tuple[int, int]:
    """Upgrade a snapshot in its place, by way of a database of its version; returns the versions before and after.

    The folder holds the old snapshot or the new one at any moment.

    Raises:
        StoreError: the folder is no snapshot, is damaged, is newer than this code, or cannot be written.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        version, tables = int(manifest["schema_version"]), dict(manifest["tables"])
        whole = all(sha256(folder / f"{name}.parquet") == table["sha256"] for name, table in tables.items())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder) from error
    if not whole:
        raise _damaged(folder)
    if version == newest_version():
        return version, version
    refuse_newer(version, str(folder))
    with tempfile.TemporaryDirectory(prefix="leangnn-") as scratch:
        path = Path(scratch) / "upgraded.duckdb"
        with Database(path).writing() as connection:
            for name in tables:
                file = str(folder / f"{name}.parquet").replace("'", "''")
                connection.exec_driver_sql(f"""CREATE TABLE "{name}" AS SELECT * FROM read_parquet('{file}')""")
        upgrade(path)
        export_snapshot(path, folder)
    return version, newest_version()


def _damaged(folder: Path) -> StoreError:
    return StoreError(f"'{folder}' is no snapshot, or an incomplete or damaged one; export it again")

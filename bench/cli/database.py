"""`leangnn db export`, `import` and `upgrade`."""

from __future__ import annotations

from pathlib import Path

from db.migrations import upgrade
from db.parquet import is_snapshot
from db.snapshot import export_snapshot, import_snapshot
from db.snapshot_upgrade import upgrade_snapshot


def export_store(db: str, folder: Path) -> None:
    """Write a snapshot."""
    print(f"{folder}: {_counted(export_snapshot(db, folder))}")


def import_store(db: str, folder: Path) -> None:
    """Add a snapshot's rows."""
    print(f"{db}: added {_counted(import_snapshot(db, folder))}")


def upgrade_store(db: str) -> None:
    """Bring the store, or a snapshot, to the newest schema."""
    before, after = upgrade_snapshot(db) if is_snapshot(db) else upgrade(db)
    print(f"{db}: schema version {after}" + ("" if before == after else f", was {before}"))


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {table.replace('_', ' ')}" for table, count in counts.items())

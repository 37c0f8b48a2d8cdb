"""An older snapshot whose database is gone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection

from db import migrations
from db.errors import StoreError
from db.read import Reader
from db.snapshot import export_snapshot, import_snapshot
from db.snapshot_upgrade import upgrade_snapshot
from db.store import Store


def _add_log_tail(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE trials ADD COLUMN log_tail VARCHAR")


@pytest.fixture
def older(path: Path, samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot of version 1, which had no column `log_tail`, under a code of version 2."""
    folder = tmp_path / "it's older"
    monkeypatch.setattr(migrations, "MIGRATIONS", [])
    samples.fill(Store(path), samples.trial(), samples.trial(split=1))
    export_snapshot(path, folder)
    trials = folder / "trials.parquet"
    pq.write_table(pq.read_table(trials).drop_columns("log_tail"), trials)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["tables"]["trials"]["sha256"] = hashlib.sha256(trials.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(migrations, "MIGRATIONS", [_add_log_tail])
    return folder


def test_an_older_snapshot_says_how_to_upgrade_it_and_then_can_be_imported(
    older: Path, tmp_path: Path, samples
) -> None:
    with pytest.raises(StoreError, match=r"has schema version 1 .* needs 2; run: leangnn db upgrade --db .*older"):
        import_snapshot(tmp_path / "new.duckdb", older)
    assert upgrade_snapshot(older) == (1, 2)
    assert import_snapshot(tmp_path / "new.duckdb", older)["trials"] == 2
    first, second = Reader(tmp_path / "new.duckdb").trials()
    assert first.log_tail is None
    assert (first.protocol_settings, first.memory) == (samples.trial().protocol_settings, samples.trial().memory)
    assert (first.started_at, second.split) == (samples.noon, 1)
    assert set(Reader(tmp_path / "new.duckdb").dynamics(first.trial_id)) == {"weight_norm", "weight_norm_imbalance"}

    # doing it twice changes nothing
    before = {file.name: file.read_bytes() for file in older.iterdir()}
    assert upgrade_snapshot(older) == (2, 2)
    assert {file.name: file.read_bytes() for file in older.iterdir()} == before


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A snapshot of version 1 with one small file."""
    table = tmp_path / "tiny" / "trials.parquet"
    table.parent.mkdir()
    pq.write_table(pa.table({"trial_id": ["t1"]}), table)
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    manifest = {"schema_version": 1, "tables": {"trials": {"rows": 1, "sha256": digest}}}
    (table.parent / "manifest.json").write_text(json.dumps(manifest))
    return table.parent


@pytest.mark.parametrize("damage", ["no manifest", "no table", "other content", "nonsense"])
def test_what_is_damaged_stays_and_is_named(tiny: Path, damage: str) -> None:
    trials, manifest = tiny / "trials.parquet", tiny / "manifest.json"
    if damage == "no manifest":
        manifest.unlink()
    elif damage == "no table":
        trials.unlink()
    elif damage == "other content":
        trials.write_bytes(trials.read_bytes()[:-1])
    else:
        manifest.write_text("[]")
    before = sorted(file.name for file in tiny.iterdir())
    with pytest.raises(StoreError, match="is no snapshot, or an incomplete or damaged one"):
        upgrade_snapshot(tiny)
    assert sorted(file.name for file in tiny.iterdir()) == before


def test_a_snapshot_without_our_tables_stays_as_it_is(tiny: Path) -> None:
    before = {file.name: file.read_bytes() for file in tiny.iterdir()}
    with pytest.raises(StoreError, match="holds no LeanGNN tables"):
        upgrade_snapshot(tiny)
    assert {file.name: file.read_bytes() for file in tiny.iterdir()} == before


def test_a_newer_snapshot_is_refused(tiny: Path) -> None:
    manifest = json.loads((tiny / "manifest.json").read_text())
    (tiny / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 999}))
    with pytest.raises(StoreError, match="install a newer LeanGNN"):
        upgrade_snapshot(tiny)

"""Versions of the tables: a real migration of a real file."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, update
from sqlalchemy.exc import DBAPIError

from db import migrations
from db.database import Database
from db.errors import StoreError
from db.migrations import stored_version, upgrade
from db.read import Reader
from db.schema import SchemaVersion
from db.store import Store

VERSION_4 = ("published_figures", "findings", "method_cards", "submissions", "trust_events")
"""The tables that came with it."""


def _to_older(connection: Connection) -> None:
    """What an older release might have had: no preset column, and no reason of its own."""
    connection.exec_driver_sql("ALTER TABLE trials DROP COLUMN log_tail")
    connection.exec_driver_sql("ALTER TABLE trials DROP COLUMN preset")
    connection.execute(update(SchemaVersion).values(version=1))


def _add_preset(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE trials ADD COLUMN preset VARCHAR")


def _add_log_tail(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE trials ADD COLUMN log_tail VARCHAR")


def _break(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE trials ADD COLUMN nonsense NO_SUCH_TYPE")


@pytest.fixture
def older(path: Path, samples, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of version 1 with one trial, under a code of version 3."""
    samples.fill(Store(path), samples.trial())
    with Database(path).writing() as connection:
        _to_older(connection)
    monkeypatch.setattr(migrations, "MIGRATIONS", [_add_preset, _add_log_tail])
    return path


def test_an_older_file_asks_for_the_upgrade(older: Path, samples) -> None:
    for work in (Reader(older).trials, lambda: samples.fill(Store(older))):
        with pytest.raises(StoreError, match=r"has schema version 1 .* needs 3; run: leangnn db upgrade"):
            work()


def test_upgrade_keeps_the_rows(older: Path, samples) -> None:
    assert upgrade(older) == (1, 3)
    (trial,) = Reader(older).trials()
    assert (trial.trial_id, trial.test_metric, trial.preset) == ("gcn+full_batch/0", 0.8, None)
    Store(older).record_trial(samples.trial(split=1, preset="strong"), samples.dataset(), samples.method())
    assert [trial.preset for trial in Reader(older).trials()] == [None, "strong"]


def test_upgrade_twice_does_nothing(older: Path) -> None:
    upgrade(older)
    assert upgrade(older) == (3, 3)


def test_a_migration_that_fails_leaves_the_old_version(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", [_add_preset, _break])
    with pytest.raises(StoreError, match="refused"):
        upgrade(older)
    with Database(older).reading() as connection:
        assert stored_version(connection) == 1
        columns = connection.exec_driver_sql("SELECT * FROM trials").keys()
    assert "preset" not in columns


def test_a_newer_file_is_refused_and_untouched(path: Path, samples) -> None:
    samples.fill(Store(path), samples.trial())
    with Database(path).writing() as connection:
        connection.execute(update(SchemaVersion).values(version=99))
    for work in (Reader(path).trials, lambda: samples.fill(Store(path)), lambda: upgrade(path)):
        with pytest.raises(StoreError, match=r"has schema version 99 .* install a newer LeanGNN"):
            work()


def test_a_file_of_version_1_gets_its_schedules(path: Path, samples) -> None:
    samples.fill(Store(path), samples.trial())
    with Database(path).writing() as connection:
        _to_version_2(connection)
        connection.exec_driver_sql("ALTER TABLE trials DROP COLUMN schedule")
        connection.execute(update(SchemaVersion).values(version=1))
    assert upgrade(path) == (1, migrations.newest_version())
    segment = {"scales": [1], "epoch": 0, "scored_seconds": 0.5, "steps": 3, "node_visits": 30, "edge_visits": 60}
    Store(path).record_trial(samples.trial(split=1, schedule=[segment]), samples.dataset(), samples.method())
    assert [trial.schedule for trial in Reader(path).trials()] == [None, [segment]]


def _to_version_2(connection: Connection) -> None:
    for table in VERSION_4:
        connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql("DROP TABLE dynamics")
    connection.exec_driver_sql("ALTER TABLE trials DROP COLUMN further_metrics")
    connection.execute(update(SchemaVersion).values(version=2))


def test_a_database_of_version_2_gets_dynamics_and_further_metrics(url: str, samples) -> None:
    samples.fill(Store(url), samples.trial())
    with Database(url).writing() as connection:
        _to_version_2(connection)
    assert upgrade(url) == (2, migrations.newest_version())
    assert Reader(url).dynamics("gcn+full_batch/0") == {}
    new = samples.trial(split=1)
    Store(url).record_trial(new, samples.dataset(), samples.method())
    assert [trial.further_metrics for trial in Reader(url).trials()] == [None, new.further_metrics]
    assert Reader(url).dynamics(new.trial_id)["weight_norm"].values.tolist() == [[1.5, 2.5], [1.0, 3.0]]
    # the table is as strict as a new one
    with pytest.raises((DBAPIError, StoreError)), Database(url).writing() as connection:
        connection.exec_driver_sql("INSERT INTO dynamics SELECT * FROM dynamics")


def test_a_database_of_version_3_gets_the_tables_of_version_4_as_a_new_one_has_them(url: str, samples) -> None:
    samples.fill(Store(url), samples.trial())
    with Database(url).writing() as connection:
        fresh = {table: _columns(connection, table) for table in VERSION_4}
        for table in VERSION_4:
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.execute(update(SchemaVersion).values(version=3))
    assert upgrade(url) == (3, migrations.newest_version())
    with Database(url).reading() as connection:
        assert {table: _columns(connection, table) for table in VERSION_4} == fresh
    assert len(Reader(url).trials()) == 1


def _columns(connection: Connection, table: str) -> list[tuple[str, ...]]:
    query = (
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
        f"WHERE table_name = '{table}' ORDER BY ordinal_position"
    )
    return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_nothing_to_upgrade(path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        upgrade(path)
    assert not path.exists()


def test_a_new_store_has_the_newest_version(path: Path, samples) -> None:
    samples.fill(Store(path))
    assert upgrade(path) == (migrations.newest_version(), migrations.newest_version())

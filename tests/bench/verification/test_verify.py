"""A whole store: a real run agrees with itself, and what is changed by hand is found."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bench.datasets import registry
from bench.errors import DataError
from bench.verification.verify import verify
from db.database import Database
from db.read import Reader
from db.snapshot import export_snapshot
from db.store import Store


@pytest.fixture
def store(ran: Any, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the store of a real run."""
    monkeypatch.setenv("LEANGNN_CACHE", str(cache))
    return Path(shutil.copy(ran.store, tmp_path / "copy.duckdb"))


def change(store: Path, statement: str) -> None:
    with Database(store).writing() as connection:
        connection.execute(text(statement))


def test_a_run_agrees_with_itself(store: Path, ran: Any) -> None:
    report = verify(str(store))
    assert report.differences == []
    finished = sum(row.status.has_metric for row in ran.rows())
    assert report.checked["metrics from predictions"] == report.checked["curves"] == finished > 2
    assert report.checked["rows of the board"] > 3 and report.checked["figures of the board"] > 100
    assert report.checked["hashes"] == len(ran.rows()) and not report.skipped


def test_a_snapshot_is_checked_with_its_files(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "snapshot"
    export_snapshot(store, folder)
    report = verify(str(folder))
    assert report.differences == []
    assert report.checked["files of the snapshot"] == len(json.loads((folder / "manifest.json").read_text())["tables"])
    machines = folder / "machines.parquet"
    # another valid file of that table, as somebody who polishes a snapshot would leave
    change(store, "UPDATE machines SET cpu_model = 'Faster 9000'")
    export_snapshot(store, tmp_path / "polished")
    shutil.copy(tmp_path / "polished" / "machines.parquet", machines)
    assert [each.split(":")[0] for each in verify(str(folder)).differences] == ["machines.parquet"]


def test_what_a_night_measured_again_is_checked_and_in_no_figure_of_the_board(store: Path) -> None:
    before, [session] = verify(str(store)), Reader(store).sessions()
    again = replace(session, session_id="again", suite="nightly:again")
    Store(store).record_session(Reader(store).machines()[0], again)
    change(
        store,
        """
        INSERT INTO trials SELECT * REPLACE (
            trial_id || '-again' AS trial_id, fingerprint || '-again' AS fingerprint, 'again' AS session_id,
            started_at + INTERVAL 1 HOUR AS started_at, 2 * peak_memory_bytes AS peak_memory_bytes
        ) FROM trials
        """,
    )
    for table in ("curve_points", "predictions"):
        change(store, f"INSERT INTO {table} SELECT * REPLACE (trial_id || '-again' AS trial_id) FROM {table}")
    after = verify(str(store))
    assert after.differences == []
    assert after.checked["hashes"] == 2 * before.checked["hashes"]
    assert after.checked["figures of the board"] == before.checked["figures of the board"]


@pytest.mark.parametrize(
    ("statement", "named", "what"),
    [
        ("UPDATE trials SET test_metric = 0.99 WHERE status = 'finished' AND method LIKE '%watches%'", "watches_labels",
         "test_metric"),
        ("UPDATE trials SET idle_seconds = idle_seconds + 100 WHERE method LIKE '%watches%'", "watches_labels",
         "the sum of the ledger"),
        ("UPDATE trials SET predictions_sha256 = 'no' WHERE method LIKE '%watches%'", "watches_labels",
         "predictions_sha256"),
        ("UPDATE trials SET selected_epoch = 99 WHERE method LIKE '%watches%'", "watches_labels", "selected_epoch"),
    ],
)  # fmt: skip
def test_what_was_changed_by_hand_is_named(store: Path, statement: str, named: str, what: str) -> None:
    change(store, statement)
    differences = verify(str(store)).differences
    assert len(differences) == 1 and named in differences[0] and what in differences[0]


def test_labels_that_are_not_here_are_counted_and_not_called_right(
    store: Path, monkeypatch: pytest.MonkeyPatch, blocks: Any
) -> None:
    def absent(name: str, data_dir: str | None) -> Any:
        raise DataError("no such file")

    # either nothing is here, or another version of the graph
    for load in (absent, lambda name, data_dir: replace(blocks, version="other")):
        monkeypatch.setattr(registry, "load", load)
        report = verify(str(store))
        assert report.differences == [] and report.checked["metrics from predictions"] == 0
        [(reason, count)] = report.skipped.items()
        assert "the labels of minesweeper-grid(side=12) are not here" in reason and count > 2


def test_a_board_that_says_something_else_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Reader.board
    monkeypatch.setattr(
        Reader, "board", lambda self, **filters: [replace(row, n=row.n + 1) for row in honest(self, **filters)]
    )
    differences = verify(str(store)).differences
    assert differences and all(": n is " in each for each in differences)

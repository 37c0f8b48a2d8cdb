"""Snapshots: there and back, merging, and damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from db.convert import Dynamics
from db.errors import StoreError
from db.read import Reader
from db.records import Status
from db.snapshot import export_snapshot, import_snapshot
from db.store import Store

FAILED = {"status": Status.CRASHED, "test_metric": None}


@pytest.fixture
def snapshot(path: Path, samples) -> Path:
    samples.fill(Store(path), samples.trial(split=0), samples.trial(split=1, **FAILED))
    folder = path.parent / "snapshot"
    export_snapshot(path, folder)
    return folder


def _everything(reader: Reader) -> tuple:
    curves = {key: curve.validation_metric.tolist() for key, curve in reader.curves().items()}
    trials = reader.trials()
    return (
        *(trials, curves, reader.datasets(), reader.methods(), reader.machines(), reader.sessions()),
        [reader.predictions(trial.trial_id) for trial in trials],
        [_plain(reader.dynamics(trial.trial_id)) for trial in trials],
    )


def _plain(dynamics: dict[str, Dynamics]) -> dict[str, tuple]:
    return {name: (series.epochs.tolist(), series.values.tolist()) for name, series in dynamics.items()}


def test_there_and_back(path: Path, snapshot: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    counts = {
        "machines": 1,
        "sessions": 1,
        "datasets": 1,
        "methods": 1,
        "published_figures": 0,
        "findings": 0,
        "method_cards": 0,
        "submissions": 0,
        "trust_events": 0,
        "trials": 2,
        "curve_points": 4,
        "dynamics": 4,
        "predictions": 2,
    }
    assert import_snapshot(other, snapshot) == counts
    assert _everything(Reader(other)) == _everything(Reader(path))
    assert set(import_snapshot(other, snapshot).values()) == {0}


def test_there_and_back_through_postgresql(path: Path, snapshot: Path, tmp_path: Path, server_url: str) -> None:
    import_snapshot(server_url, snapshot)
    assert _everything(Reader(server_url)) == _everything(Reader(path))
    export_snapshot(server_url, tmp_path / "again")
    assert _everything(Reader(tmp_path / "again")) == _everything(Reader(path))


def test_a_snapshot_is_read_in_place(path: Path, snapshot: Path) -> None:
    reader = Reader(snapshot)
    assert reader.exists()
    assert _everything(reader) == _everything(Reader(path))
    assert reader.board() == Reader(path).board()
    assert reader.overview().measured == Reader(path).overview().measured


def test_merging_keeps_what_is_there(snapshot: Path, tmp_path: Path, samples) -> None:
    other = tmp_path / "other.duckdb"
    samples.fill(Store(other), samples.trial(split=0, trial_id="mine", test_metric=0.5), samples.trial(split=9))
    changed = import_snapshot(other, snapshot)
    assert changed["trials"] == 1
    assert [trial.trial_id for trial in Reader(other).trials()] == ["mine", "gcn+full_batch/1", "gcn+full_batch/9"]
    assert Reader(other).trials(split=0)[0].test_metric == 0.5


def test_merging_replaces_a_failure_by_a_result(snapshot: Path, tmp_path: Path, samples) -> None:
    other = tmp_path / "other.duckdb"
    samples.fill(
        Store(other),
        samples.trial(split=0, trial_id="mine", **FAILED),
        samples.trial(split=1, trial_id="also", **FAILED),
    )
    assert import_snapshot(other, snapshot)["trials"] == 1
    assert [trial.trial_id for trial in Reader(other).trials()] == ["gcn+full_batch/0", "also"]
    assert sorted(Reader(other).curves()) == ["also", "gcn+full_batch/0"]
    assert [len(Reader(other).dynamics(name)) for name in ("mine", "also", "gcn+full_batch/0")] == [0, 2, 2]


def test_a_session_that_ended_is_brought_up_to_date(path: Path, snapshot: Path, tmp_path: Path, samples) -> None:
    other = tmp_path / "other.duckdb"
    import_snapshot(other, snapshot)
    Store(path).finish_session("s1", samples.noon, None)
    export_snapshot(path, snapshot)
    assert import_snapshot(other, snapshot)["sessions"] == 1
    assert Reader(other).sessions()[0].finished_at == samples.noon


@pytest.mark.parametrize("damage", ["missing", "cut", "swapped", "manifest"])
def test_a_damaged_snapshot_changes_nothing(snapshot: Path, tmp_path: Path, samples, damage: str) -> None:
    if damage == "missing":
        (snapshot / "trials.parquet").unlink()
    elif damage == "cut":
        (snapshot / "trials.parquet").write_bytes((snapshot / "trials.parquet").read_bytes()[:100])
    elif damage == "swapped":
        (snapshot / "trials.parquet").write_bytes((snapshot / "methods.parquet").read_bytes())
    else:
        (snapshot / "manifest.json").write_text("{")
    other = tmp_path / "other.duckdb"
    with pytest.raises(StoreError, match="incomplete or damaged; export it again"):
        import_snapshot(other, snapshot)
    assert not other.exists()


def test_a_snapshot_of_a_newer_schema_is_refused(snapshot: Path, tmp_path: Path) -> None:
    manifest = json.loads((snapshot / "manifest.json").read_text())
    (snapshot / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 99}))
    with pytest.raises(StoreError, match=r"schema version 99 .* install a newer LeanGNN"):
        import_snapshot(tmp_path / "other.duckdb", snapshot)


def test_export_never_overwrites_something_else(path: Path, snapshot: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.jpg").write_text("cat")
    with pytest.raises(StoreError, match="is not a snapshot; name a new folder"):
        export_snapshot(path, photos)
    with pytest.raises(StoreError, match="is not a snapshot"):
        export_snapshot(path, photos / "cat.jpg")
    with pytest.raises(StoreError, match="cannot write the snapshot"):
        export_snapshot(path, photos / "cat.jpg" / "below")
    assert (photos / "cat.jpg").read_text() == "cat"
    assert [item.name for item in photos.iterdir()] == ["cat.jpg"]


def test_nothing_to_export_or_import(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database at"):
        export_snapshot(tmp_path / "absent.duckdb", tmp_path / "snapshot")
    with pytest.raises(StoreError, match="is not a snapshot, it has no manifest"):
        import_snapshot(tmp_path / "other.duckdb", tmp_path)


def test_notes_beside_a_snapshot_stay(path: Path, snapshot: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "LOG.md").write_text("first\n")
    export_snapshot(path, folder)
    (folder / "LOG.md").write_text("first\nsecond\n")
    export_snapshot(path, folder)
    assert (folder / "LOG.md").read_text() == "first\nsecond\n"
    assert Reader(folder).trials() == Reader(snapshot).trials()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(StoreError, match="is not a snapshot"):
        export_snapshot(path, tmp_path / "mine")

"""What papers printed, there and back, and the trials that stand beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from db.published import read_published, record_published
from db.read import Reader
from db.records import Finding, PublishedFigure
from db.scoring.published import Measured
from db.snapshot import export_snapshot, import_snapshot
from db.store import Store

FIGURE = PublishedFigure(
    "lowbit/t/c/r", "lowbit", "Table 1", "test_metric", 0.8, spread=0.01, dataset="cora", method="gcn+sgc",
    preset="p", settings={"epochs": 100, "learning_rate": [0.01, 0.1]}, command="leangnn run", source="here",
)  # fmt: skip
SIDE = {"dataset": "cora", "method": "gcn+full_batch", "settings": {"epochs": 100}}
FINDING = Finding(
    "lowbit/f/e", "lowbit", "title", "text", "test_metric", SIDE, {**SIDE, "method": "gcn+sgc"}, "leangnn run"
)
BARE = Finding("lowbit/g", "lowbit", "title", "text", unmeasured="because")


def test_there_and_back(url: str) -> None:
    record_published(Store(url), "lowbit", [FIGURE], [FINDING, BARE])
    stored = read_published(Reader(url))
    assert stored.figures == [FIGURE]
    assert [each.finding for each in stored.effects] == [FINDING, BARE]
    assert stored.effects[1].reason == "because"


def test_a_new_edition_replaces_the_paper_and_leaves_the_others(path: Path) -> None:
    store = Store(path)
    other = replace(FIGURE, figure_id="rescaling/t/c/r", paper="rescaling")
    record_published(store, "lowbit", [FIGURE, replace(FIGURE, figure_id="lowbit/t/c/gone")], [BARE])
    record_published(store, "rescaling", [other])
    unread = replace(FIGURE, value=None, spread=None)
    record_published(store, "lowbit", [unread])
    assert read_published(Reader(path)).figures == [unread, other]
    assert read_published(Reader(path)).effects == []


def test_a_store_that_is_not_there_has_nothing(path: Path) -> None:
    stored = read_published(Reader(path))
    assert (list(stored.figures), list(stored.measured), list(stored.effects)) == ([], [], [])


def test_the_settings_and_validation_of_each_place(path: Path, samples) -> None:
    store = Store(path)
    settings = {"epochs": 100, "learning_rate": 0.1}
    samples.fill(
        store,
        samples.trial("gcn+sgc", 0, validation_metric=0.7, trial_id="a", fingerprint="a"),
        samples.trial("gcn+sgc", 1, validation_metric=0.9, trial_id="b", fingerprint="b"),
        samples.trial("gcn+sgc", 0, protocol="p2", protocol_settings=settings, trial_id="c", fingerprint="c"),
        samples.trial(split=0),
    )
    record_published(store, "lowbit", [FIGURE], [FINDING])
    stored = read_published(Reader(path))
    found = {each.protocol: each for each in stored.measured}
    assert set(found) == {"p1", "p2"}
    assert found["p1"].validation == pytest.approx(0.8)
    assert found["p2"] == Measured("cora", "1", "gcn+sgc", "p2", "cpu", "laptop", settings, 0.8)
    # the finding's sides share split 0 under the settings of p1 and p2 alike
    assert stored.effects[0].n == 1


def test_a_snapshot_carries_them(path: Path, tmp_path: Path) -> None:
    record_published(Store(path), "lowbit", [FIGURE], [FINDING])
    export_snapshot(path, tmp_path / "snapshot")
    import_snapshot(tmp_path / "other.duckdb", tmp_path / "snapshot")
    for place in (tmp_path / "snapshot", tmp_path / "other.duckdb"):
        stored = read_published(Reader(place))
        assert stored.figures == [FIGURE] and [each.finding for each in stored.effects] == [FINDING]

"""What can be said about an uploaded bundle without labels."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.submission import examine
from db.records import DatasetRecord
from db.scoring.board import BoardRow

SMALL = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "db" / "bundle" / "small_bundle.py")))
CORA = DatasetRecord("cora", "1", "ab" * 32, 2708, 10556, 1433, 7, 1, "node", "accuracy", 0.81, None)
Row = Callable[..., BoardRow]


def test_a_good_bundle_shows_its_row_and_its_place_by_its_claims(row: Row) -> None:
    asked = []

    def board(names: list[str]) -> list[BoardRow]:
        asked.append(names)
        return [row(mean=0.9), row(mean=0.1)]

    report = examine(SMALL.zipped(*SMALL.small()), [CORA], board)
    assert (report.refused, report.labels, asked) == (False, False, [["cora"]])
    [found] = report.rows
    assert found["mean"] == pytest.approx(0.705)
    assert found["time_ratio"] == pytest.approx(0.5)
    assert report.places == (("cora", 2, 3),)


def test_a_bad_bundle_shows_what_is_wrong_and_no_row(row: Row) -> None:
    manifest, parts = SMALL.small()
    manifest["trials"][0]["selected_epoch"] = 1
    report = examine(SMALL.zipped(manifest, parts), [CORA], lambda names: [row()])
    assert {finding.rule for finding in report.errors} == {"selection"}
    assert report.rows == ()
    assert examine(b"no zip", [CORA], lambda names: []).errors[0].rule == "bundle"


def test_an_upload_may_be_smaller_than_a_file_of_a_reviewer() -> None:
    report = examine(bytes(17 * 2**20), [CORA], lambda names: [])
    assert "a bundle may have 16.0 MiB" in report.errors[0].sentence


def test_a_dataset_that_the_board_does_not_have_cannot_be_placed() -> None:
    report = examine(SMALL.zipped(*SMALL.small()), [], lambda names: [])
    assert (report.refused, report.rows) == (False, ())
    assert report.warnings[-1].sentence.startswith("this board has no results on cora in that version")

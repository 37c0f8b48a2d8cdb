"""What a night says."""

from __future__ import annotations

import json

import pytest

from bench.errors import BenchError
from bench.nightly.report import document, key, make_folder, markdown, write
from db.scoring.regression import Outcome

CANDIDATE = "gcn(layers=2,hidden=8)+random_nodes"


def test_the_document_says_what_was_found(slowed) -> None:
    world, night = slowed
    found = document(night)
    assert (found["regressions"], found["nights_before"], found["compared"]) == (1, world.enough, 4)
    assert found["outcomes"] == {"regression": 1, "unchanged": 3}
    assert found["machine"] == {"machine_id": "machine", "cpu": "some CPU", "gpu": None}
    [regression] = [finding for finding in found["findings"] if finding["outcome"] == "regression"]
    assert (regression["quantity"], regression["method"]) == ("time_ratio", CANDIDATE)
    assert regression["change"] == pytest.approx(0.1, abs=0.01)
    assert regression["since"]["code_version"] == "c1"
    assert len(regression["history"]) == world.enough + 1
    assert [finding["issue"] is None for finding in found["findings"]].count(False) == 1


def test_an_issue_has_the_same_title_on_every_night(slowed) -> None:
    _, night = slowed
    [case] = night.of(Outcome.REGRESSION)
    [issue] = [finding["issue"] for finding in document(night)["findings"] if finding["issue"]]
    assert issue["title"] == f"Regression: scored time of {CANDIDATE} on minesweeper-grid(side=12) [{key(case)}]"
    assert case.verdict.reason in issue["body"]
    assert "seems to begin on 2026-01-14 with `c1`" in issue["body"]
    assert len({key(other) for other in night.cases}) == len(night.cases)


def test_markdown_has_the_regression_in_a_table(slowed) -> None:
    _, night = slowed
    text = markdown(document(night))
    assert text.startswith("# Nightly 2026-01-14\n\n**1 regression.** Suite `")
    assert f"| scored time | minesweeper-grid(side=12) | {CANDIDATE} | +" in text
    assert "- 3 unchanged" in text


def test_markdown_of_a_first_night(world) -> None:
    text = markdown(document(world.night()))
    assert "No regression." in text
    assert "first night" in text
    assert "2 without a level to be held to" in text or "without a level" in text


def test_names_cannot_break_the_table(slowed) -> None:
    _, night = slowed
    found = document(night)
    found["findings"][0] |= {"outcome": "regression", "dataset": "a|b<script>\nc"}
    assert "a\\|b&lt;script> c" in markdown(found)


def test_both_files_are_written_and_agree(slowed, tmp_path) -> None:
    _, night = slowed
    found = write(night, tmp_path / "deep" / "report")
    stored = json.loads((tmp_path / "deep" / "report" / "report.json").read_text())
    assert stored == json.loads(json.dumps(found))
    assert (tmp_path / "deep" / "report" / "report.md").read_text() == markdown(found)


def test_a_folder_that_cannot_be_made_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match="name another folder"):
        make_folder(tmp_path / "file")


def test_a_file_that_cannot_be_written_says_that_the_night_is_stored(slowed, tmp_path) -> None:
    _, night = slowed
    (tmp_path / "report.json").mkdir()
    with pytest.raises(BenchError, match="the night itself is stored"):
        write(night, tmp_path)

"""The results that come with the checkout: what `make serve` shows before anything was measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.verification.verify import verify
from db.parquet import is_snapshot
from db.published import read_published
from db.read import Reader
from db.scoring.board import BoardRow

RESULTS = Path(__file__).parents[2] / "results"
LARGEST = 20_000_000
"""Bytes of the whole folder, so that a clone stays small."""


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(RESULTS)


@pytest.fixture(scope="module")
def rows(reader: Reader) -> list[BoardRow]:
    return reader.board()


def test_it_is_a_small_snapshot() -> None:
    assert is_snapshot(RESULTS)
    assert sum(path.stat().st_size for path in RESULTS.iterdir()) < LARGEST


def test_it_has_real_rows_of_many_datasets_and_methods(rows: list[BoardRow]) -> None:
    measured = [row for row in rows if row.n]
    assert len({row.dataset for row in measured}) >= 8
    assert len({row.method for row in measured}) >= 15


def test_every_row_stands_beside_its_reference(rows: list[BoardRow]) -> None:
    assert [row.method for row in rows if row.n and row.time_ratio is None] == []


def test_every_figure_can_be_computed_again(real_data: Path) -> None:
    report = verify(str(RESULTS), str(real_data))
    assert report.differences == []
    assert report.checked["figures of the board"] > 1000 and report.checked["metrics from predictions"] > 100


def test_the_papers_stand_beside_it(reader: Reader) -> None:
    found = read_published(reader)
    assert {"multiscale", "rescaling", "lowbit"} <= {figure.paper for figure in found.figures}
    assert any(effect.n for effect in found.effects)


def test_the_log_names_each_commit_that_was_measured(reader: Reader) -> None:
    logged = set(re.findall(r"`([0-9a-f]{7,40})`", (RESULTS / "LOG.md").read_text()))
    for version in {session.code_version for session in reader.sessions()}:
        assert any(version.startswith(commit) for commit in logged), version


def test_nothing_tells_where_on_a_disk_it_was_measured(reader: Reader) -> None:
    for session in reader.sessions():
        assert re.search(r"(^|[\s='\"])[/~]", f"{session.suite} {session.command}") is None, session.command

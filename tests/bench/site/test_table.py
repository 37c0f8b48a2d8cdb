"""Rows of the board as cells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.asv.sample_store import sample_trials
from bench.site.table import HEADINGS, lines
from db.scoring.board import BoardRow, board


@pytest.fixture(scope="module")
def rows() -> list[BoardRow]:
    found = [item for item in sample_trials() if item[2].strategy in ("full_batch", "cluster_gcn")][:20]
    return board([item[0] for item in found], {}, [item[2] for item in found], [item[1] for item in found])


def _cells(row: BoardRow) -> dict[str, tuple[str, str]]:
    [line] = lines([row], {row.dataset: "page.html"})
    return {heading: (cell.text, cell.key) for heading, cell in zip(HEADINGS, line.cells, strict=True)}


def test_a_figure_is_sorted_by_its_value_and_not_by_its_text(rows) -> None:
    row = replace(rows[0], time_ratio=10.0, time_ratio_low=9.0, time_ratio_high=11.0, peak_memory_bytes=2_000_000)
    cells = _cells(row)
    assert cells["Time ratio"] == ("10.00 (9.00 to 11.00)", "10.0")
    assert cells["Peak memory"] == ("2 MB", "2000000.0")
    assert cells["Method"][1] == row.method.lower()


def test_a_missing_figure_has_no_key(rows) -> None:
    cells = _cells(replace(rows[0], time_ratio=None, interleaved=False, mean=None))
    assert cells["Time ratio"] == ("\N{EN DASH}", "")
    assert cells["% \N{PLUS-MINUS SIGN} 95 %"] == ("\N{EN DASH}", "")


def test_fewer_pairs_than_results_are_said(rows) -> None:
    assert _cells(replace(rows[0], n=10, paired=10))["n"] == ("10", "10.0")
    assert _cells(replace(rows[0], n=10, paired=4))["n"] == ("10 (4 paired)", "10.0")
    assert _cells(replace(rows[0], n=10, paired=0))["n"] == ("10", "10.0")


def test_a_ratio_across_sessions_is_marked(rows) -> None:
    assert _cells(replace(rows[0], interleaved=False))["Time ratio"][0].startswith("~")


def test_failures_and_refuted_rows_are_visible(rows) -> None:
    row = replace(rows[0], failures={"crashed": 2}, trust="retracted")
    assert _cells(row)["Status"][0] == f"{row.status} (2 crashed)"
    assert lines([row], {row.dataset: "page.html"})[0].refuted
    assert not lines([rows[0]], {row.dataset: "page.html"})[0].refuted


def test_the_reference_is_called_one(rows) -> None:
    reference = next(row for row in rows if row.method == row.reference)
    assert _cells(reference)["Same metric"][0] == "reference"

"""The page for other tools says what the code does."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from db.dictionary import BEGIN, board_keys, tables, written
from db.errors import StoreError
from db.schema import Base, Trial
from db.scoring.board import BoardRow

PAGE = Path(__file__).parents[2] / "docs" / "reading-api.md"


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text()
    assert written(page) == page, "run: python -m db.dictionary docs/reading-api.md"


def test_every_table_and_column_is_there() -> None:
    text = tables()
    assert [line for line in text.splitlines() if line.startswith("### ")] == [
        f"### `{table.name}.parquet`" for table in Base.metadata.sorted_tables
    ]
    for table in Base.metadata.sorted_tables:
        section = text.partition(f"### `{table.name}.parquet`")[2].partition("### ")[0]
        assert [f"| `{column.name}` |" in section for column in table.columns].count(False) == 0


@pytest.mark.parametrize("name", ["machines", "sessions", "datasets", "methods", "trials", "curve_points"])
def test_what_tools_read_most_has_a_meaning_for_every_column(name: str) -> None:
    section = tables().partition(f"### `{name}.parquet`")[2].partition("### ")[0]
    assert [line for line in section.splitlines() if line.endswith("|  |")] == []


def test_types_and_units_are_those_of_the_files() -> None:
    lines = {
        line.split("`")[1]: line for line in tables().partition("`trials.parquet`")[2].splitlines() if "| `" in line
    }
    assert set(lines) >= set(Trial.__table__.columns.keys())
    assert lines["started_at"] == "| `started_at` | timestamp[us] | UTC. |"
    assert lines["energy_joules"] == "| `energy_joules` | double, or null | Joules. |"
    assert lines["memory"].startswith("| `memory` | JSON text |")
    assert "Bytes. The headline number" in lines["peak_memory_bytes"]


def test_every_key_of_the_board_has_a_type_and_a_meaning() -> None:
    rows = board_keys().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [field.name for field in fields(BoardRow)]
    assert [row for row in rows if row.endswith("|  |")] == []
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(StoreError, match="no marks"):
        written(f"text {BEGIN.format('tables')} without an end")

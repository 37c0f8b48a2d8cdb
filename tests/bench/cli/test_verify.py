"""`leangnn board --verify`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from db.database import Database
from db.store import Store


def test_a_store_that_agrees(cli: Any, ran: Any) -> None:
    said = cli("board", "--verify", "--db", ran.store)
    assert (said.code, said.error) == (0, "")
    assert "figures of the board checked" in said.out and said.out.endswith("Everything agrees.\n")
    assert cli("board", "--verify", "--json", "--db", ran.store).json["differences"] == []


def test_a_figure_that_differs_is_named_with_exit_code_1(cli: Any, ran: Any, tmp_path: Path) -> None:
    store = Path(shutil.copy(ran.store, tmp_path / "copy.duckdb"))
    with Database(store).writing() as connection:
        connection.execute(text("UPDATE trials SET test_metric = 0.99 WHERE method LIKE '%watches%'"))
    said = cli("board", "--verify", "--db", store)
    assert said.code == 1
    assert "differs: trial " in said.out and "test_metric is 0.99" in said.out and "1 figures differ." in said.out


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_check_that_finds_nothing_to_check_fails(sentence: Any, tmp_path: Path, form: tuple[str, ...]) -> None:
    expected = f"nothing was checked: '{tmp_path / 'store.duckdb'}' holds no trial; name another store with --db"
    assert sentence(1, "board", "--verify", *form) == expected
    Store(tmp_path / "store.duckdb").write(lambda connection: None)
    assert sentence(1, "board", "--verify", *form) == expected

"""The page as Streamlit draws it, on a real database."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from app import source
from app.pages import views
from db import last_good
from db.database import Database
from db.read import Reader

SCRIPT = str(Path(__file__).resolve().parents[2] / "app" / "main.py")

Open = Callable[..., AppTest]


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the dashboard on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_file(SCRIPT, default_timeout=30), store, **query)


def table(page: AppTest) -> list[tuple[str, str]]:
    frame = page.dataframe[0].value
    return list(zip(frame["dataset"], frame["method"], strict=True))


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.code, *page.error, *page.warning, *page.info, *page.caption]
    return "\n".join(str(element.value) for element in elements)


def test_the_board_shows_what_the_reader_scores(opened: Open, filled: Path) -> None:
    page = opened(filled)
    expected = Reader(filled).board()
    assert table(page) == [(row.dataset, row.method) for row in expected]
    first = page.dataframe[0].value.iloc[0]
    assert first["score"] == pytest.approx(80.45)
    assert first["time_ratio"] == pytest.approx(0.5)
    assert "2 datasets · 3 methods · 23 trials \\(1 failed\\)" in said(page)


def test_filters_come_from_the_url(opened: Open, filled: Path) -> None:
    assert table(opened(filled, dataset=["pubmed"])) == [("pubmed", "sage+full_batch")]
    assert table(opened(filled, strategy=["sgc"], backbone=["gcn", "sage"])) == [("cora", "gcn+sgc")]
    assert {dataset for dataset, _ in table(opened(filled, ranked="true"))} == {"cora"}


def test_a_filter_narrows_and_clearing_it_widens(opened: Open, filled: Path) -> None:
    page = opened(filled)
    page.multiselect(key="dataset").set_value(["pubmed"]).run()
    assert table(page) == [("pubmed", "sage+full_batch")]
    next(button for button in page.button if button.label == "Clear filters").click().run()
    assert len(table(page)) == 3


def test_words_that_a_url_invents_are_named_and_ignored(opened: Open, filled: Path) -> None:
    page = opened(filled, dataset=["nowhere", "<script>alert(1)</script>"], picture="x", against="y", ranked="perhaps")
    assert "dataset=nowhere" in page.info[0].value
    assert "<script>" not in page.info[0].value
    assert len(table(page)) == 3


def test_filters_that_match_nothing_say_how_to_measure_it(opened: Open, filled: Path) -> None:
    page = opened(filled, dataset=["pubmed"], backbone=["gcn"])
    assert not page.dataframe
    assert "No row matches these filters" in said(page)
    assert "leangnn run --dataset pubmed --method gcn" in [code.value for code in page.code]
    page.button(key="clear_all").click().run()
    assert len(table(page)) == 3


def test_no_database_and_an_empty_one_say_what_to_type(opened: Open, fill, tmp_path: Path) -> None:
    missing = opened(tmp_path / "missing.duckdb")
    assert "does not exist yet" in said(missing)
    assert "leangnn run quick" in [code.value for code in missing.code]
    assert not (tmp_path / "missing.duckdb").exists()
    empty = opened(fill(tmp_path / "empty.duckdb"))
    assert "holds no trials yet" in said(empty)


def test_a_newer_schema_is_one_sentence(opened: Open, filled: Path) -> None:
    with Database(filled).writing() as connection:
        connection.execute(text("UPDATE schema_version SET version = 99"))
    page = opened(filled)
    assert "install a newer LeanGNN" in page.error[0].value
    assert not page.dataframe


def test_an_older_schema_says_how_to_upgrade(opened: Open, filled: Path) -> None:
    with Database(filled).writing() as connection:
        connection.execute(text("UPDATE schema_version SET version = 1"))
    page = opened(filled)
    assert page.title[0].value == views()[0].heading
    assert "The database is of an older version" in said(page)
    assert [code.value for code in page.code] == [shlex.join(["leangnn", "db", "upgrade", "--db", str(filled)])]
    assert "doctor" not in said(page) and not page.error and not page.dataframe


def test_a_database_that_is_busy_from_the_start_says_so(
    opened: Open, filled: Path, monkeypatch: pytest.MonkeyPatch, held
) -> None:
    monkeypatch.setattr(source, "_PATIENCE", 0.2)
    with held(filled):
        page = opened(filled)
        assert page.title[0].value == views()[0].heading
        assert "The database is busy" in said(page) and "Nothing is lost" in said(page)
        assert "doctor" not in said(page) and not page.error and not page.dataframe
    page.button(key="read_again").click().run()
    assert len(table(page)) == 3


def test_what_is_no_database_is_one_sentence(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "picture.duckdb"
    path.write_bytes(b"\x89PNG" * 5000)
    assert "not a readable DuckDB database" in opened(path).error[0].value.replace("\\", "")


def test_while_a_run_writes_the_old_rows_stay_with_their_age(
    opened: Open, filled: Path, monkeypatch: pytest.MonkeyPatch, held
) -> None:
    monkeypatch.setattr(last_good, "_PAUSE", 0.0)
    monkeypatch.setattr(last_good, "_SHARE", 1e9)
    page = opened(filled)
    # a new row changes the file, so that the page has to read it again
    with held(filled):
        page.run()
        assert "as they were" in page.warning[0].value
        assert len(table(page)) == 3


def test_markup_in_a_name_is_shown_as_text(opened: Open, fill, trial, tmp_path: Path) -> None:
    name = "<script>alert(1)</script>"
    page = opened(fill(tmp_path / "results.duckdb", trial(f"gcn+{name}"), trial(dataset="**bold**")))
    assert f"gcn+{name}" in [method for _, method in table(page)]
    assert all("<script>" not in metric.delta for metric in page.metric)
    assert "<script>" not in "\n".join(element.value for element in page.markdown)


def test_a_page_is_a_module_with_a_title() -> None:
    found = views()
    assert found[0].name == "board"
    assert all(view.title and view.heading and callable(view.render) for view in found)

"""The page of datasets as Streamlit draws it, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.datasets_table import board_link, datasets_frame
from db.coverage import coverage
from db.read import Reader
from db.records import DatasetRecord, MethodRecord, TrialRecord
from db.store import Store

Open = Callable[..., AppTest]

HOSTILE = DatasetRecord(
    "<script>alert(1)</script>",
    "2",
    "cd" * 32,
    10,
    20,
    3,
    2,
    5,
    "graph",
    "roc_auc",
    None,
    None,
    "**bold**",
    "molecules",
)


def page_alone() -> None:
    from app import source
    from app.views import datasets

    datasets.render(source.reader(source.store_name()))


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the page on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_function(page_alone, default_timeout=30), store, **query)


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.code, *page.info, *page.warning, *page.caption]
    return "\n".join(str(element.value) for element in elements)


def test_every_dataset_with_what_was_measured(opened: Open, filled: Path) -> None:
    table = opened(filled).dataframe[0].value.set_index("dataset")
    assert table.loc["cora", ["trials", "methods", "splits"]].tolist() == [20, 2, 10]
    assert table.loc["pubmed", ["trials", "methods", "splits"]].tolist() == [3, 1, 3]
    assert table.loc["cora", ["nodes", "edges", "features", "classes"]].tolist() == [2708, 10556, 1433, 7]
    assert table.loc["cora", "degree"] == pytest.approx(10556 / 2708)
    assert table.loc["cora", "board"] == "./?dataset=cora"


def test_one_dataset_in_full(opened: Open, filled: Path) -> None:
    page = opened(filled, dataset="pubmed")
    assert f"`{'ab' * 32}`" in said(page)
    words = said(page).replace("\\", "")
    assert "3 trials of 1 method on 3 splits" in words
    assert "[Its rows on the board](./?dataset=pubmed)" in words


def test_markup_substitutes_and_graphs(opened: Open, filled: Path, trial: Callable[..., TrialRecord]) -> None:
    method = MethodRecord("gin+full_batch", "gin", "full_batch", None, None, "training", "gin+full_batch")
    Store(filled).record_trial(trial(method.name, dataset=HOSTILE.name, dataset_version="2"), HOSTILE, method)
    page = opened(filled, dataset=HOSTILE.name)
    words = said(page)
    assert "<script>" not in words and "**bold**" not in words and "\\*\\*bold\\*\\*" in words
    assert "must never be reported" in page.warning[0].value
    assert "in 5 graphs" in words and "homophily is not defined" in words


def test_two_versions_are_told_apart(opened: Open, filled: Path, trial: Callable[..., TrialRecord]) -> None:
    dataset = DatasetRecord("cora", "2", "ef" * 32, 2708, 10556, 1433, 7, 1, "node", "accuracy", 0.81, None)
    method = MethodRecord("gcn+full_batch", "gcn", "full_batch", None, None, "training", "gcn+full_batch")
    Store(filled).record_trial(trial(dataset_version="2", trial_id="v2", fingerprint="v2"), dataset, method)
    page = opened(filled, dataset="cora, version 2")
    assert f"`{'ef' * 32}`" in said(page) and not page.info
    frame = datasets_frame(Reader(filled).datasets(), Reader(filled).read(coverage, {}))
    assert frame.loc[frame["dataset"] == "cora", "trials"].tolist() == [20, 1]


def test_what_a_url_invents_is_named(opened: Open, filled: Path) -> None:
    page = opened(filled, dataset="<script>")
    assert "dataset\\=" in page.info[0].value or "dataset=" in page.info[0].value
    assert "<script>" not in page.info[0].value and page.dataframe


def test_links_survive_any_name() -> None:
    assert board_link("cora(split=full)&x") == "./?dataset=cora%28split%3Dfull%29%26x"


def test_a_store_without_trials(opened: Open, tmp_path: Path) -> None:
    assert "No results yet" in said(opened(tmp_path / "none.duckdb"))

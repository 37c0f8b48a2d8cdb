"""The page of trade-offs as Streamlit draws it, on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.format import percent
from db.read import Reader

Open = Callable[..., AppTest]


def page_alone() -> None:
    """The page without the frame, as `AppTest` runs it: a script of its own."""
    from app import source
    from app.views import tradeoff

    tradeoff.render(source.reader(source.store_name()))


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the page on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_function(page_alone, default_timeout=30), store, **query)


def points(page: AppTest) -> list[list[dict[str, Any]]]:
    """What each picture draws, without the line of the reference."""
    found = []
    for element in page.get("vega_lite_chart"):
        datasets = [frame.to_dict("records") for frame in tables(element)]
        found.append(next(lines for lines in datasets if lines and "method" in lines[0]))
    return found


def tables(element: Any) -> list[Any]:
    from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df as as_frame

    return [as_frame(each.data.data) for each in element.proto.datasets]


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.code, *page.info, *page.caption]
    return "\n".join(str(element.value) for element in elements)


def test_points_cards_and_commands_of_one_dataset(opened: Open, filled: Path) -> None:
    page = opened(filled)
    (drawn,) = points(page)
    rows = {row.method: row for row in Reader(filled).board(dataset="cora")}
    assert {line["method"] for line in drawn} == set(rows)
    for line in drawn:
        assert line["cost"] == rows[line["method"]].time_ratio
        assert line["score"] == pytest.approx(100 * rows[line["method"]].mean)
        assert line["command"].startswith("leangnn run --dataset cora") and "--splits 0-9" in line["command"]
    best = max(rows.values(), key=lambda row: row.mean)
    assert page.metric[0].value == percent(best.mean)


def test_as_measured_the_cost_has_an_interval_too(opened: Open, filled: Path) -> None:
    page = opened(filled, against="Peak memory", scale="as measured")
    (drawn,) = points(page)
    assert [line["cost"] for line in drawn] == [1.0, 1.0]  # megabytes
    assert all(line["cost_low"] <= line["cost"] <= line["cost_high"] for line in drawn)
    spec = json.loads(page.get("vega_lite_chart")[0].proto.spec)
    assert "megabytes" in spec["layer"][0]["encoding"]["x"]["title"]


def test_a_picture_for_each_dataset(opened: Open, filled: Path) -> None:
    page = opened(filled, picture=["cora", "pubmed"], scale="ratio to full batch")
    assert [{line["method"] for line in drawn} for drawn in points(page)] == [
        {"gcn+sgc", "gcn+full_batch"}, {"sage+full_batch"}
    ]  # fmt: skip
    assert not page.metric


def test_a_cost_that_nobody_measured_says_so(opened: Open, filled: Path) -> None:
    page = opened(filled, against="Energy")
    assert "No method of this dataset has both a metric and this cost" in said(page)


def test_what_a_url_invents_is_named(opened: Open, filled: Path) -> None:
    page = opened(filled, picture="<script>", against="x", scale="y")
    named = " ".join(info.value for info in page.info)
    assert "against\\=x" in named or "against=x" in named
    assert "<script>" not in named
    assert len(points(page)) == 1


def test_filters_that_match_nothing_and_an_empty_store(opened: Open, filled: Path, tmp_path: Path) -> None:
    assert "No row matches" in said(opened(filled, dataset=["pubmed"], backbone=["gcn"]))
    assert "No results yet" in said(opened(tmp_path / "none.duckdb"))

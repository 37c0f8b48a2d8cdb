"""The board as Streamlit draws it, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import paging
from db.read import Reader
from db.scoring.aggregate import aggregate

Open = Callable[..., AppTest]
Strange = dict[str, Any]


def page_alone() -> None:
    """The page without the frame, as `AppTest` runs it: a script of its own."""
    from app import source
    from app.views import board

    board.render(source.reader(source.store_name()))


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the page on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_function(page_alone, default_timeout=30), store, **query)


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.code, *page.info, *page.caption]
    return "\n".join(str(element.value) for element in elements)


def methods(page: AppTest) -> list[str]:
    return page.dataframe[0].value["method"].tolist()


def test_the_rows_and_their_three_downloads(opened: Open, filled: Path) -> None:
    page = opened(filled)
    frame, rows = page.dataframe[0].value, Reader(filled).board()
    assert methods(page) == [row.method for row in rows]
    assert frame["memory_ratio"].tolist() == [row.memory_ratio for row in rows]
    assert frame["difference"].iloc[0] == pytest.approx(100 * rows[0].difference)
    assert [button.label for button in page.download_button] == [
        "Download CSV", "Download Parquet", "Download Markdown"
    ]  # fmt: skip


def test_ranks_over_the_chosen_datasets(opened: Open, filled: Path) -> None:
    rows = Reader(filled).board()
    page = opened(filled, view="ranked together")
    expected = aggregate(rows, ["cora", "pubmed"])
    frame = page.dataframe[0].value
    assert methods(page) == [row.method for row in expected]
    assert frame["missing"].tolist() == [", ".join(row.missing) for row in expected]
    assert frame["time_ratio"].tolist() == [row.time_ratio for row in expected]
    assert "3 methods over 2 datasets" in said(page)
    page.selectbox(key="by").set_value("scored time ratio").run()
    assert methods(page) == [row.method for row in aggregate(rows, ["cora", "pubmed"], "time_ratio")]
    assert "Ranks by scored time ratio" in said(page)


def test_one_dataset_is_shown_row_by_row(opened: Open, filled: Path) -> None:
    page = opened(filled, view="ranked together", dataset=["cora"])
    assert methods(page) == [row.method for row in Reader(filled).board(dataset="cora")]
    assert len(page.metric) == 3


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"nodes": ["3", "4"]}, 3),
        ({"nodes": ["4", "9"]}, 0),
        ({"homophily": ["0.8", "0.85"]}, 3),
        ({"homophily": ["0", "0.5"]}, 0),
        ({"since": "2026-01-02", "until": "2026-01-02"}, 3),
        ({"since": "2026-01-03"}, 0),
    ],
)
def test_graphs_and_days_are_chosen_in_the_url(opened: Open, filled: Path, query: Strange, count: int) -> None:
    page = opened(filled, **query)
    assert len(methods(page)) == count if count else "No row matches" in said(page)


def test_a_slider_is_cleared_with_the_filters(opened: Open, filled: Path) -> None:
    page = opened(filled)
    page.slider(key="nodes").set_value((4.0, 9.0)).run()
    assert "No row matches" in said(page)
    page.button(key="clear_all").click().run()
    assert len(methods(page)) == 3 and not page.exception


def test_what_a_url_invents_is_named(opened: Open, filled: Path) -> None:
    page = opened(filled, view="x", order="<b>", homophily=["a", "b"], nodes="7", since="tomorrow", until=["1", "2"])
    named = " ".join(info.value for info in page.info).replace("\\", "")
    for word in ("view=x", "order=<b>", "homophily=a", "nodes=7", "since=tomorrow", "until=1"):
        assert word in named
    assert not any("<b>" in info.value for info in page.info)
    assert len(methods(page)) == 3


def test_a_big_store_opens_ranked_and_is_drawn_in_pages(
    opened: Open, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    assert "Ranks by test metric" in said(opened(filled))
    page = opened(filled, view="each dataset", board_page="2")
    assert methods(page) == ["sage+full_batch"]
    assert "Rows 3 to 3 of 3" in said(page)
    assert "board\\_page=9" in opened(filled, view="each dataset", board_page="9").info[0].value


def test_a_store_without_trials(opened: Open, tmp_path: Path) -> None:
    page = opened(tmp_path / "none.duckdb")
    assert "No results yet" in said(page)
    assert "leangnn run quick" in [code.value for code in page.code]

"""The page that compares methods as Streamlit draws it, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.format import points, ratio_interval
from app.views.compare import start
from db.read import Reader
from db.records import TrialRecord

Open = Callable[..., AppTest]
NAMES = ("gcn+sgc", "gcn+full_batch")


def page_alone() -> None:
    """The page without the frame, as `AppTest` runs it: a script of its own."""
    from app import source
    from app.views import compare

    compare.render(source.reader(source.store_name()))


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the page on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_function(page_alone, default_timeout=30), store, **query)


@pytest.fixture
def three(fill: Callable[..., Path], trial: Callable[..., TrialRecord], tmp_path: Path) -> Path:
    """A reference and two candidates on two datasets, three splits and two."""
    trials = [
        trial(method, split, seconds, dataset=dataset, test_metric=metric + 0.001 * split)
        for dataset, splits in (("cora", 3), ("pubmed", 2))
        for method, seconds, metric in (("gcn+full_batch", 2.0, 0.8), ("gcn+sgc", 1.0, 0.8), ("gcn+sign", 4.0, 0.7))
        for split in range(splits)
    ]
    return fill(tmp_path / "three.duckdb", *trials)


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.info, *page.caption]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def test_figures_beside_the_reference_are_those_of_the_board(opened: Open, filled: Path) -> None:
    page = opened(filled)
    row = Reader(filled).board(method="gcn+sgc")[0]
    (line,) = page.dataframe[0].value.to_dict("records")
    assert line["method"] == "gcn+sgc" and line["n"] == 10
    assert line["difference"] == points(row.difference, row.difference_low, row.difference_high)
    assert line["p_value"] == row.p_value
    assert line["time"] == ratio_interval(row.time_ratio, row.time_ratio_low, row.time_ratio_high)
    assert "gcn+sgc on cora: as fast to target as gcn+full_batch" in said(page) and "n = 10" in said(page)


def test_any_method_can_be_the_one_held_against(opened: Open, three: Path) -> None:
    page = opened(three, methods=["gcn+sign", "gcn+sgc"], beside="gcn+sgc")
    lines = page.dataframe[0].value
    assert lines["method"].tolist() == ["gcn+sign", "gcn+sign"]
    # 4 seconds beside 1, and ten points of the metric less
    assert all(each.startswith("4.00") for each in lines["time"])
    assert all(each.startswith("-10.00 points") for each in lines["difference"])
    assert lines["n"].tolist() == [3, 2]
    assert [list(marks) for marks in lines["marks"]] == [["provisional"]] * 2


def test_ranks_wins_profile_and_curves_of_three(opened: Open, three: Path) -> None:
    page = opened(three, methods=["gcn+full_batch", "gcn+sgc", "gcn+sign"], on="pubmed")
    assert len(page.get("vega_lite_chart")) == 4
    wins = page.dataframe[1].value
    assert wins.loc["gcn+sgc", "gcn+sign"] == "2 · 0 · 0"
    assert wins.loc["gcn+sgc", "gcn+full_batch"] == "0 · 2 · 0"
    assert "gcn+sign over 2 datasets: 2.0x slower than gcn+full_batch" in said(page)
    assert "gcn+sign on pubmed" in said(page) and "n = 2, provisional" in said(page)
    assert "Convergence on pubmed" in said(page)


@pytest.mark.parametrize("words", [{"figure": "score"}, {"figure": "peak memory"}, {"by": "scored time"}])
@pytest.mark.parametrize("across", ["scored seconds", "nodes visited"])
def test_every_choice_is_in_the_url(opened: Open, filled: Path, words: dict[str, str], across: str) -> None:
    page = opened(filled, **words, across=across)
    assert across in said(page) or len(page.get("vega_lite_chart")) == 4
    assert not page.info


def test_figures_that_nobody_measured_say_so(opened: Open, filled: Path) -> None:
    page = opened(filled, figure="energy", by="energy", cost="energy")
    assert len(page.info) == 3


def test_one_method_alone_and_methods_that_never_met(opened: Open, filled: Path) -> None:
    assert "Choose two methods at least" in said(opened(filled, methods=["gcn+sgc"]))
    assert "No other of these methods" in said(opened(filled, methods=["gcn+sgc", "sage+full_batch"]))


def test_what_a_url_invents_is_named(opened: Open, filled: Path) -> None:
    page = opened(filled, methods=["gcn+sgc", "gcn+full_batch", "<script>"], beside="x", figure="y", on="z")
    named = " ".join(info.value for info in page.info)
    for word in ("beside=x", "figure=y", "on=z"):
        assert word in named
    assert "<script>" not in named
    assert len(page.dataframe[0].value) == 1


def test_the_start_is_the_most_measured_candidate_and_its_reference(row) -> None:
    rows = [row(), row(dataset="pubmed"), row(method="gcn+x"), row(method="gcn+full_batch")]
    assert start(rows) == list(NAMES)
    assert start([row(method="b", reference="b"), row(method="a", reference="a")]) == ["a", "b"]


def test_a_store_without_trials(opened: Open, tmp_path: Path) -> None:
    assert "No results yet" in said(opened(tmp_path / "none.duckdb"))

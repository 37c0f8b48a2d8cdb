"""The page of the papers as Streamlit draws it, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from db.published import record_published
from db.records import Finding, PublishedFigure
from db.store import Store

Open = Callable[..., AppTest]

HOSTILE = "<script>alert(1)</script> **bold**"
SETTINGS = {"epochs": 100, "learning_rate": 0.01}
SIDE = {"dataset": "cora", "method": "gcn+full_batch", "settings": SETTINGS}


def page_alone() -> None:
    """The page without the frame, as `AppTest` runs it: a script of its own."""
    from app import source
    from app.views import papers

    papers.render(source.reader(source.store_name()))


@pytest.fixture
def opened(open_store: Open) -> Open:
    """Open the page on a store, with the words of a URL."""
    return lambda store, **query: open_store(AppTest.from_function(page_alone, default_timeout=30), store, **query)


def figure(row: str, value: float | None, **changes: object) -> PublishedFigure:
    known: dict[str, object] = {
        "figure_id": f"lowbit/t/cora/{row}", "paper": "lowbit", "place": "Table 1", "quantity": "test_metric",
        "value": value, "dataset": "cora", "method": "gcn+sgc", "settings": SETTINGS, "source": "page 3",
        "command": "leangnn run --dataset cora --method gcn+sgc",
    }  # fmt: skip
    return PublishedFigure(**(known | changes))  # type: ignore[arg-type]


@pytest.fixture
def published(filled: Path) -> Path:
    """Ours on cora is 80.45 % over ten splits; four verdicts, a second paper, and a finding."""
    figures = [
        figure("near", 0.804),
        figure("far", 0.9, place=HOSTILE, figure_id=f"lowbit/u/cora/{HOSTILE}"),
        figure("unread", None),
        figure("unrun", 0.5, method="gcn+sign", dataset=None, settings={}),
    ]
    finding = Finding("lowbit/f/cora", "lowbit", HOSTILE, "It forgets.", "test_metric", SIDE,
                      {**SIDE, "method": "gcn+sgc"}, "leangnn run")  # fmt: skip
    bare = Finding("lowbit/g", "lowbit", "No kernel", "None.", unmeasured="nothing to run")
    record_published(Store(filled), "lowbit", figures, [finding, bare])
    other = figure("other", 0.804, figure_id="reference/t/a/b", paper="reference")
    record_published(Store(filled), "reference", [other])
    return filled


def said(page: AppTest) -> str:
    elements = [*page.markdown, *page.subheader, *page.code, *page.info, *page.caption]
    return "\n".join(str(element.value) for element in elements)


def verdicts(page: AppTest) -> list[str]:
    return [word for table in page.dataframe if "verdict" in table.value for word in table.value["verdict"]]


def test_every_figure_stands_beside_ours_with_its_verdict(opened: Open, published: Path) -> None:
    page = opened(published)
    assert sorted(verdicts(page)) == sorted(["✓ reproduced", "✗ not reproduced", "⊘ not comparable", "○ not run"])
    assert {metric.label: metric.value for metric in page.metric} == {
        "✓ reproduced": "1", "✗ not reproduced": "1", "⊘ not comparable": "1", "○ not run": "1"
    }  # fmt: skip
    lines = {
        line["cell"]: line for table in page.dataframe for line in table.value.to_dict("records") if "cell" in line
    }
    assert lines["cora, near"]["published"] == "80.40 %" and lines["cora, near"]["ours"].startswith("80.45 % (")
    assert lines["cora, near"]["difference"].startswith("+0.05 points (")
    assert lines["cora, unread"]["ours"].startswith("80.45 % (")


def test_findings_show_the_measured_effect(opened: Open, published: Path) -> None:
    page = opened(published)
    [effects] = [table.value for table in page.dataframe if "effect" in table.value]
    # the candidate is 0.01 above the reference in every split
    assert effects["effect"].tolist() == ["+1.00 points (+1.00 to +1.00)"]
    assert "Not measurable here: nothing to run" in said(page).replace("\\", "")


def test_choices_come_from_the_url(opened: Open, published: Path) -> None:
    assert verdicts(opened(published, verdict=["reproduced"])) == ["✓ reproduced"]
    assert verdicts(opened(published, dataset=["none of ours"])) == ["○ not run"]
    assert verdicts(opened(published, paper="Reference numbers")) == ["✓ reproduced"]
    nothing = opened(published, verdict=["not run"], dataset=["cora"])
    assert verdicts(nothing) == [] and "No cell matches these choices" in said(nothing)


def test_words_that_a_url_invents_are_named_and_ignored(opened: Open, published: Path) -> None:
    page = opened(published, verdict=["<script>"], paper="nowhere", dataset=["mars"])
    told = "\n".join(info.value for info in page.info)
    assert "verdict=" in told and "paper=nowhere" in told and "dataset=mars" in told and "<script>" not in told
    assert len(verdicts(page)) == 4


def test_markup_in_what_was_published_is_shown_as_text(opened: Open, published: Path) -> None:
    page = opened(published)
    shown = [*page.markdown, *page.caption, *page.expander]
    assert all("<script>" not in str(getattr(each, "value", getattr(each, "label", ""))) for each in shown)


def test_a_store_without_published_figures_says_what_to_type(opened: Open, filled: Path) -> None:
    page = opened(filled)
    assert "`leangnn reproduce lowbit`" in said(page) and not page.dataframe


def test_a_store_without_trials(opened: Open, tmp_path: Path) -> None:
    assert "No results yet" in said(opened(tmp_path / "none.duckdb"))

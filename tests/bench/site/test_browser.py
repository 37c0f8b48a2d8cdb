"""The pages in a real browser, opened as files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.site.export import export_site

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def page(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    folder = tmp_path_factory.mktemp("site")
    export_site(store, folder / "site")
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        tab = browser.new_page()
        tab.requested = []
        tab.on("request", lambda request: tab.requested.append(request.url))
        tab.complaints = []
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.goto((folder / "site" / "index.html").as_uri())
        yield tab
        browser.close()


def _column(page: Any, number: int) -> list[str]:
    return page.locator(f"#board tbody tr:visible td:nth-child({number})").all_inner_texts()


def test_a_click_sorts_by_the_figure_and_a_second_one_the_other_way(page) -> None:
    # by its text: once sorted, the arrow is part of the button's name
    heading = page.locator("#board th button", has_text="Time ratio")
    heading.click()
    upwards = [float(text.split()[0]) for text in _column(page, 7)]
    assert upwards == sorted(upwards)
    heading.click()
    assert [float(text.split()[0]) for text in _column(page, 7)] == upwards[::-1]


def test_words_filter_the_rows(page) -> None:
    page.get_by_role("searchbox").fill("GCN cluster")
    assert ["cluster_gcn" in text for text in _column(page, 2)] == [True]
    assert page.locator("#count").inner_text() == "1 of 4 rows"
    page.get_by_role("searchbox").fill("")
    assert len(_column(page, 2)) == 4


def test_the_page_of_a_dataset_opens_and_nothing_else_is_asked_for(page) -> None:
    page.locator("#board tbody a").first.click()
    page.get_by_role("heading", name="dataset-0").wait_for()
    assert page.locator("svg circle").count() == 4
    assert all(url.startswith("file:") for url in page.requested)
    assert len(page.requested) == 2
    assert page.complaints == []

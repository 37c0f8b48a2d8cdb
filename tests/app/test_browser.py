"""The dashboard in a real browser: every page, every filter, the numbers, and no request to anybody else."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from app.pages import views
from app.state import FIELDS
from bench.perf.contenders import dashboard
from db.read import Reader
from db.scoring.board import as_json

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(
    not dashboard.CHROMIUM.exists(), reason=f"no browser at {dashboard.CHROMIUM}; install Debian's chromium"
)

WIDE, PHONE = {"width": 1280, "height": 1400}, {"width": 390, "height": 844}
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
_MILLISECONDS = 30_000


@pytest.fixture(scope="module")
def address(example: Path) -> Iterator[str]:
    """The dashboard, served on a free port."""
    with dashboard.served(example) as server:
        yield server.address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with dashboard.browser() as found:
        yield found


@pytest.fixture
def hosts() -> set[str | None]:
    """Whom the page of the test asked for something."""
    return set()


@pytest.fixture
def page(browser: Browser, hosts: set[str | None]) -> Iterator[Page]:
    context = browser.new_context(viewport=WIDE, accept_downloads=True)  # type: ignore[arg-type]
    found = context.new_page()
    found.set_default_timeout(_MILLISECONDS)
    found.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    yield found
    context.close()


def opened(page: Page, address: str, path: str) -> None:
    """Open a page, wait until it is complete, and see no error on it."""
    page.goto(f"{address}/{path}")
    page.get_by_role("heading", level=1).first.wait_for()
    settled(page)


def settled(page: Page) -> None:
    page.locator(READY).wait_for()
    assert page.locator(dashboard.ERROR).all_inner_texts() == []


def downloaded(page: Page) -> list[dict[str, str]]:
    """The rows of the board as the reader gets them."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download CSV").click()
    return list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text())))


def without_nothing(row: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items() if value not in (None, "")}


@pytest.mark.parametrize("name", [dashboard.START, *(view.name for view in views()[1:])])
def test_every_page_is_drawn(page: Page, address: str, hosts: set[str | None], name: str, tmp_path: Path) -> None:
    for width, viewport in (("wide", WIDE), ("phone", PHONE)):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        opened(page, address, name)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.get_by_role("dialog").count() == 0
        page.screenshot(path=tmp_path / f"{name or 'start'}-{width}.png", full_page=True)
    assert hosts - {None} == {"localhost"}


def test_the_numbers_are_those_of_the_database(page: Page, address: str, example: Path) -> None:
    opened(page, address, "?view=each+dataset")
    expected = {(row["dataset"], row["method"]): without_nothing(row) for row in as_json(Reader(example).board())}
    found = {(row["dataset"], row["method"]): without_nothing(row) for row in downloaded(page)}
    assert set(found) == set(expected)
    for key, row in expected.items():
        for name in ("mean", "ci_low", "n", "time_ratio", "time_ratio_low", "memory_ratio", "target_ratio", "p_value"):
            told = (found[key].get(name), row.get(name))
            assert told[0] == told[1] or float(told[0] or "nan") == pytest.approx(float(told[1] or "nan")), (key, name)


def test_every_filter_can_be_clicked_and_goes_into_the_url(page: Page, address: str) -> None:
    opened(page, address, "")
    sidebar = page.get_by_test_id("stSidebar")
    # the browser draws widgets one after the other, this one last
    sidebar.get_by_role("button", name="Clear filters").wait_for()
    labels = [name.capitalize() for name in FIELDS]
    offered = [label for label in labels if sidebar.get_by_test_id("stMultiSelect").filter(has_text=label).count()]
    assert offered
    for label in offered:
        box = sidebar.get_by_test_id("stMultiSelect").filter(has_text=label).first
        box.locator("input").click()
        page.get_by_role("option").filter(has_not_text="Select all").first.click()
        page.wait_for_url(f"**{label.lower()}=**")
        # the list of options is still open, and the next click only closes it
        page.mouse.click(WIDE["width"] - 20, 20)
        page.get_by_role("listbox").wait_for(state="detached")
        settled(page)
    sidebar.get_by_role("button", name="Clear filters").click()
    page.wait_for_url(lambda url: all(f"{label.lower()}=" not in url for label in offered))
    settled(page)


def test_a_shared_link_shows_what_it_names(page: Page, address: str, example: Path) -> None:
    opened(page, address, "?view=each+dataset&dataset=cora&strategy=sgc")
    (row,) = downloaded(page)
    assert (row["dataset"], row["method"]) == ("cora", "gcn+sgc")
    (best,) = Reader(example).board(dataset="cora", strategy="sgc")
    assert float(row["mean"]) == best.mean


@pytest.mark.parametrize(
    "path",
    [
        "?dataset=%3Cscript%3Ealert(1)%3C/script%3E&view=nonsense&page=99&since=yesterday&homophily=a-b",
        "trial?id=%3Cscript%3Ealert(1)%3C/script%3E",
        "compare?methods=nobody&dataset=nowhere",
        "no_such_page",
    ],
)
def test_a_hand_edited_address_is_no_error(page: Page, address: str, path: str) -> None:
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    opened(page, address, path)
    assert said == []


@pytest.mark.parametrize(
    ("path", "name", "size", "said"),
    [
        ("submit", "bundle.zip", 300 * 2**20, "must be"),
        ("which_method", "edges.csv", 300 * 2**20, "must be"),
        ("which_method", "picture.csv", None, "save it as plain CSV"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(
    page: Page, address: str, tmp_path: Path, path: str, name: str, size: int | None, said: str
) -> None:
    opened(page, address, path)
    chosen = tmp_path / name
    if size is None:
        page.screenshot(path=chosen, type="png")
    else:
        with chosen.open("wb") as file:
            file.truncate(size)
    if path == "which_method":
        page.get_by_text("Measure an edge list instead").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(chosen)
    if size is None:
        page.get_by_role("button", name="Measure", exact=True).click()
    page.get_by_test_id("stMain").get_by_text(said).first.wait_for()
    page.screenshot(path=tmp_path / "refused.png")
    assert page.get_by_test_id("stException").count() == 0

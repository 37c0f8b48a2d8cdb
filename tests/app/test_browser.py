"""The dashboard in a real browser: every page, every filter, the numbers, and no request to anybody else."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from app.pages import View, views
from app.places import main_places
from app.state import FIELDS, choices
from bench.perf.contenders import dashboard
from db.read import Reader
from db.scoring.aggregate import aggregate
from db.scoring.board import BoardRow

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(
    not dashboard.CHROMIUM.exists(), reason=f"no browser at {dashboard.CHROMIUM}; install Debian's chromium"
)

PICTURES = "LEANGNN_SCREENSHOTS"
"""The variable that names the folder to leave screenshots in."""

WIDE, PHONE = {"width": 1280, "height": 1400}, {"width": 390, "height": 844}
THEMES = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 21, 28)"}
"""By what the browser prefers, the background."""
HAS_BACKGROUND = """wanted =>
    getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor === wanted"""
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
_MILLISECONDS = 30_000

# Of each chart and table in sight: its name, and how much is drawn of it. A chart that has no room left for its plot
# counts as nothing; a grid is looked at for colours, because it is a canvas.
DRAWN = """() => [...document.querySelectorAll(
    '[data-testid="stVegaLiteChart"], [data-testid="stDataFrame"], [data-testid="stTable"]'
)].filter(item => item.getClientRects().length).map(item => {
    const labelled = [item, ...item.querySelectorAll('[aria-label]')];
    const name = labelled.map(each => each.getAttribute('aria-label') ?? '').join(' ');
    const chart = item.querySelector('svg.marks'), canvas = item.querySelector('canvas');
    if (chart) {
        const heights = [...chart.querySelectorAll('path.background')].map(each => each.getBBox().height);
        return [name, Math.max(...heights) < 20 ? 0 : chart.querySelectorAll('.role-mark > *').length];
    }
    if (!canvas) return [name, item.querySelectorAll('td').length];
    if (!canvas.width || !canvas.height) return [name, 0];
    const colours = new Set();
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    for (const pixel of new Uint32Array(pixels.buffer)) if (colours.add(pixel).size > 9) return [name, 1];
    return [name, 0];
})"""
COMPLETE = (
    f"""() => !document.querySelector('[data-testid="stSkeleton"]') && ({DRAWN})().every(([, much]) => much > 0)"""
)
_EVERY = 200
"""Milliseconds between two looks; to look at all pixels in each frame would leave the page no time to draw them."""

MAIN: Mapping[str, tuple[Mapping[str, Any], Sequence[str]]] = {
    "board": ({}, ["The board: one row for each dataset and method"]),
    "tradeoff": ({"picture": "cora"}, ["Test metric against"]),
    "compare": ({}, ["Difference of each method", "Mean ranks", "Share of datasets", "Validation metric of each"]),
    "dynamics": (
        {"dataset": "cora", "method": ["gcn+full_batch", "gcn+coarse_to_fine"]},
        [
            "of gcn+full_batch by layer and epoch",
            "Dirichlet energy after each step",
            "Coarsening level",
            "against bits",
        ],
    ),
    "papers": ({}, ["Our test metric against the published one", "Published figures beside ours", "Measured effect"]),
    "history": ({"dataset": "cora"}, ["One row for each series", "Scored time of gcn+sgc", "One row for each session"]),
    "which_method": (
        {"nodes": 3000, "edges": 6000, "features": 1000, "classes": 7, "homophily": 0.8},
        ["The nearest measured graphs", "The methods measured on the nearest graphs"],
    ),
    "datasets": ({}, ["One row for each dataset"]),
    "trial": (
        {"id": "cora/gcn+coarse_to_fine/0"},
        [
            "Time ledger",
            "Validation accuracy",
            "Coarsening level",
            "by layer and epoch",
            "Each memory number",
            "Counts",
        ],
    ),
}
"""By page: the words in the URL with which it has most to draw, and what the charts and tables are called then."""

HOSTILE = "gcn+<script>hacked=1</script>"
NUMBERS = ("mean", "ci_low", "n", "time_ratio", "time_ratio_low", "memory_ratio", "target_ratio", "p_value")


@dataclass
class Heard:
    """What a page asked for and said that no reader should have to see."""

    hosts: set[str | None] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    """What was asked for and answered by an error."""
    dialogs: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        page.on("response", lambda answer: self.refused.extend(_refusal(answer.status, answer.url)))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))


def _refusal(status: int, url: str) -> list[str]:
    # Streamlit may be served under a path, so its pages ask for these under their own address first
    is_search = re.search(r"/\w+/_stcore/(health|host-config)$", url) is not None
    return [] if status < 400 or is_search else [f"{status} {url}"]


@pytest.fixture(scope="module")
def address(everything: Path) -> Iterator[str]:
    """The dashboard, served on a free port."""
    with dashboard.served(everything) as server:
        yield server.address


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    """One reader's browser, which keeps what it loaded."""
    with dashboard.browser() as found:
        context = found.new_context(viewport=WIDE, accept_downloads=True)  # type: ignore[arg-type]
        context.set_default_timeout(_MILLISECONDS)
        yield context


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def page(browser: BrowserContext, heard: Heard) -> Iterator[Page]:
    found = browser.new_page()
    heard.listen(found)
    yield found
    found.close()


@pytest.fixture(scope="module")
def board_page(browser: BrowserContext, address: str) -> Iterator[Page]:
    found = browser.new_page()
    opened(found, address, "?view=each+dataset")
    yield found
    found.close()


@pytest.fixture
def board(board_page: Page, rows: Sequence[BoardRow]) -> Page:
    """The board without any filter."""
    # the browser draws widgets one after the other, this one last
    button = sidebar(board_page).get_by_role("button", name="Clear filters")
    button.wait_for()
    if button.is_enabled():
        button.click()
    counted(board_page, len(rows))
    return board_page


@pytest.fixture(scope="module")
def rows(everything: Path) -> list[BoardRow]:
    return Reader(everything).board()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go: the folder that `PICTURES` names, or the test's own."""
    folder = Path(os.environ.get(PICTURES) or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def opened(page: Page, address: str, path: str) -> None:
    """Open a page, wait until its script is over, and see no error on it."""
    page.goto(f"{address}/{path}")
    page.get_by_role("heading", level=1).first.wait_for()
    settled(page)


def settled(page: Page) -> None:
    page.locator(READY).wait_for()
    assert page.locator(dashboard.ERROR).all_inner_texts() == []


def complete(page: Page) -> None:
    """Wait until every chart and table in sight is drawn."""
    page.wait_for_function(COMPLETE, polling=_EVERY)


def unrolled(page: Page, width: int) -> None:
    """Make the screen as high as the page, which scrolls within it, so that a screenshot has all of it."""
    height = page.get_by_test_id("stMainBlockContainer").evaluate("block => block.scrollHeight")
    page.set_viewport_size({"width": width, "height": height + 100})


def is_seemly(page: Page, heard: Heard) -> None:
    """Nobody else was asked, nothing was refused, and no name on the page became a part of it."""
    assert heard.hosts - {None} == {"localhost"}
    assert (heard.refused, heard.dialogs) == ([], [])
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator('img[src="x"], [data-testid="stMain"] script').count() == 0


def sidebar(page: Page) -> Locator:
    return page.get_by_test_id("stSidebar")


def downloaded(page: Page) -> list[dict[str, str]]:
    """The rows of the board as the reader gets them."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download CSV").click()
    return list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text())))


def counted(page: Page, number: int) -> None:
    """Wait until the board says that it has so many rows."""
    page.get_by_role("heading", name=f"All rows ({number})").wait_for()
    settled(page)


def shows(page: Page, rows: Sequence[BoardRow]) -> None:
    """Wait until the board has so many rows, and see that they are these, with their figures."""
    counted(page, len(rows))
    told = {_key(row): row for row in downloaded(page)}
    expected = {_key(values): values for values in ({name: getattr(row, name) for name in _NAMES} for row in rows)}
    assert set(told) == set(expected) and len(told) == len(rows)
    for key, values in expected.items():
        assert _figures(told[key]) == pytest.approx(_figures(values), nan_ok=True), key


_PLACE = ("dataset", "method", "protocol", "device")
_NAMES = (*_PLACE, *NUMBERS)


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in _PLACE)


def _figures(row: Mapping[str, Any]) -> list[float]:
    return [math.nan if row[name] in (None, "") else float(row[name]) for name in NUMBERS]


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_every_page_is_drawn(page: Page, address: str, heard: Heard, view: View, pictures: Path) -> None:
    query, wanted = MAIN.get(view.name, ({}, ()))
    path = dashboard.START if view.name == views()[0].name else view.name
    page.emulate_media(color_scheme="light")
    opened(page, address, f"{path}?{urlencode(query, doseq=True)}")
    assert page.get_by_role("heading", level=1).inner_text() == view.heading
    for width, viewport in {"wide": WIDE, "phone": PHONE}.items():
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        complete(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        unrolled(page, viewport["width"])
        for theme, background in THEMES.items():
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.wait_for_function(HAS_BACKGROUND, arg=background)
            complete(page)
            page.screenshot(path=pictures / f"{view.name}-{width}-{theme}.png")
    names = [name for name, _ in page.evaluate(DRAWN)]
    assert page.get_by_role("dialog").count() == 0
    assert [want for want in wanted if not any(want in name for name in names)] == []
    is_seemly(page, heard)


def test_without_a_filter_all_rows_are_there(board: Page, rows: Sequence[BoardRow]) -> None:
    shows(board, rows)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_can_be_chosen(board: Page, rows: Sequence[BoardRow], everything: Path, name: str) -> None:
    *others, word = choices(rows)[name]
    assert others
    sidebar(board).get_by_test_id("stMultiSelect").filter(has_text=name.capitalize()).locator("input").click()
    board.get_by_role("option", name=word, exact=True).click()
    board.wait_for_url(f"**{name}={word}*")
    # the list of options is still open, and the next click only closes it
    board.mouse.click(WIDE["width"] - 20, 20)
    board.get_by_role("listbox").wait_for(state="detached")
    shows(board, Reader(everything).board(**{name: word}))


@pytest.mark.parametrize(
    ("label", "steps", "keeps"),
    [
        ("Edge homophily", 10, lambda graph: graph.edge_homophily is not None and graph.edge_homophily >= 0.5),
        ("Nodes, as a power of ten", 8, lambda graph: graph.nodes >= 10**4),
    ],
)
def test_graphs_can_be_narrowed(board: Page, everything: Path, label: str, steps: int, keeps: Callable) -> None:
    reader = Reader(everything)
    kept = [graph.name for graph in reader.datasets() if keeps(graph)]
    assert 0 < len(kept) < len(reader.datasets())
    sidebar(board).get_by_test_id("stSlider").filter(has_text=label).get_by_role("slider").first.focus()
    for _ in range(steps):
        board.keyboard.press("ArrowRight")
    shows(board, reader.board(dataset=kept))


@pytest.mark.parametrize("label", ["Measured from", "Measured until"])
def test_days_can_be_chosen(board: Page, rows: Sequence[BoardRow], label: str) -> None:
    chosen = [row for row in rows if (f"{row.measured_at:%Y-%m-%d}" >= "2026-02-01") == (label == "Measured from")]
    assert 0 < len(chosen) < len(rows)
    sidebar(board).get_by_test_id("stDateInput").filter(has_text=label).get_by_role("spinbutton").first.focus()
    board.keyboard.type("20260201")
    # the field takes what was typed when it is left, and a calendar that opened beside it hides the rest of the page
    board.keyboard.press("Escape")
    board.keyboard.press("Shift+Tab")
    board.wait_for_url("**=2026-02-01*")
    shows(board, chosen)


def test_rows_can_be_those_that_are_ranked(board: Page, rows: Sequence[BoardRow], everything: Path) -> None:
    sidebar(board).get_by_text("Only ranked rows").click()
    ranked = Reader(everything).board(status="ranked")
    assert 0 < len(ranked) < len(rows)
    shows(board, ranked)


def test_methods_can_be_ranked_together(board: Page, rows: Sequence[BoardRow]) -> None:
    expected = aggregate(main_places(rows), sorted({row.dataset for row in rows}))
    board.get_by_test_id("stButtonGroup").get_by_text("ranked together").click()
    board.get_by_role("heading", name=f"{len(expected)} methods over 3 datasets").wait_for()
    settled(board)
    told = {row["method"]: float(row["mean_rank"] or "nan") for row in downloaded(board)}
    assert told == pytest.approx({row.method: math.nan if row.mean_rank is None else row.mean_rank for row in expected},
                                 nan_ok=True)  # fmt: skip
    board.get_by_test_id("stButtonGroup").get_by_text("each dataset").click()
    shows(board, rows)


def test_a_shared_link_shows_what_it_names(page: Page, address: str, everything: Path) -> None:
    opened(page, address, "?view=each+dataset&dataset=cora&strategy=sgc")
    shows(page, Reader(everything).board(dataset="cora", strategy="sgc"))


@pytest.mark.parametrize(
    "path",
    [
        "?dataset=%3Cscript%3Ehacked=1%3C/script%3E&view=nonsense&page=99&since=yesterday&homophily=a-b",
        "trial?id=%3Cscript%3Ehacked=1%3C/script%3E",
        f"trial?{urlencode({'id': f'cora/{HOSTILE}/0'})}",
        "dynamics",
        "compare?methods=nobody&dataset=nowhere",
        "no_such_page",
    ],
)
def test_neither_an_address_nor_a_name_is_markup(page: Page, address: str, heard: Heard, path: str) -> None:
    opened(page, address, path)
    complete(page)
    is_seemly(page, heard)


@pytest.mark.parametrize(
    ("path", "name", "size", "said"),
    [
        ("submit", "bundle.zip", 300 * 2**20, "must be"),
        ("which_method", "edges.csv", 300 * 2**20, "must be"),
        ("which_method", "picture.csv", None, "save it as plain CSV"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(
    page: Page, address: str, tmp_path: Path, pictures: Path, path: str, name: str, size: int | None, said: str
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
    page.screenshot(path=pictures / f"refused-{name}.png")
    assert page.get_by_test_id("stException").count() == 0

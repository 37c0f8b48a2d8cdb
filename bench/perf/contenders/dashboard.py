"""The dashboard as its readers have it: the real server, and a real browser that looks at every page."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import dashboard
from bench.errors import BenchError
from bench.meters.resident import high_water_mark_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")

ERROR = '[data-testid="stException"], [data-testid="stAlertContentError"]'
"""What an error looks like on a page."""

_VIEWPORT = {"width": 1280, "height": 1400}
_START_SECONDS = 60.0
_LOOK_MILLISECONDS = 60_000
_FILTER = "Backbone"

# The heading, and what a reader came for: neither the choices above it nor what stands in its place while it is made.
# A page without any of these kinds is one to read.
_PAINTED = """() => {
    const main = document.querySelector('[data-testid="stMain"]');
    if (!main || !main.querySelector('h1')) return false;
    const kinds = ['stDataFrame"] canvas', 'stVegaLiteChart"] .marks', 'stTable"] table', 'stMetric"]',
        'stFileUploader"]'];
    const found = main.querySelectorAll(kinds.map(kind => `[data-testid="${kind}`).join(','));
    if ([...found].some(item => item.getClientRects().length)) return true;
    const isComplete = document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]') !== null;
    return isComplete && !main.querySelector('[data-testid="stSkeleton"]')
        && main.querySelector('[data-testid="stMarkdown"], [data-testid="stAlert"]') !== null;
}"""
_SETTLED = """() =>
    document.querySelector('[data-testid="stApp"]').getAttribute('data-test-script-state') === 'notRunning'"""
_MAIN = "() => document.querySelector('[data-testid=\"stMain\"]').innerText"
_CHANGED = f"before => ({_SETTLED})() && ({_MAIN})() !== before"


@dataclass(frozen=True)
class Look:
    """One page opened once, in seconds from the click."""

    painted: float
    """Until the heading and the first table, picture, figure or upload stood; of a page to read, all of it."""
    settled: float
    """Until the page was complete."""


@dataclass(frozen=True)
class Server:
    """A dashboard that is being served."""

    address: str
    process_id: int

    def peak_bytes(self) -> int:
        """The largest resident set that it ever had."""
        return high_water_mark_bytes(self.process_id)


START = ""
"""The path of the first page, which the server knows by no other."""


def pages() -> list[str]:
    """The paths of all pages; asked of a process of its own, because this code knows nothing of the dashboard.

    Raises:
        BenchError: the dashboard is not installed.
    """
    code = "import json; from app.pages import views; print(json.dumps([view.name for view in views()]))"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if asked.returncode:
        raise BenchError(f"the dashboard cannot be loaded: {asked.stderr.strip().splitlines()[-1]}")
    _, *further = json.loads(asked.stdout.splitlines()[-1])
    return [START, *further]


@contextmanager
def served(store: Path) -> Iterator[Server]:
    """Serve a store on a free port.

    Raises:
        BenchError: the dashboard is not installed, or does not start.
    """
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command, environment = dashboard.command(port), dashboard.environment(str(store))
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [*command, "--server.headless", "true"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(f"http://localhost:{port}/_stcore/health", server)
            yield Server(f"http://localhost:{port}", server.pid)
        finally:
            server.terminate()
            server.wait(10)


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium.

    Raises:
        BenchError: it or its driver is not installed.
    """
    require_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield found
        found.close()


def require_browser() -> None:
    """Check that there is one.

    Raises:
        BenchError: it or its driver is not installed.
    """
    if importlib.util.find_spec("playwright") is None:
        raise BenchError("playwright is not installed; install leangnn[test]")
    if not CHROMIUM.exists():
        raise BenchError(f"there is no browser at {CHROMIUM}; install Debian's chromium")


def cold_looks(found: Browser, store: Path, paths: Sequence[str]) -> dict[str, Look]:
    """Each page as the first that its server is asked for, in a browser that has nothing of it.

    Raises:
        BenchError: the server does not start, or a page shows an error.
    """
    looks = {}
    for path in paths:
        with served(store) as server:
            page = _new_page(found)
            looks[path] = _look(page, server, path)
            page.context.close()
    return looks


def warm_looks(page: Page, server: Server, paths: Sequence[str], rounds: int) -> dict[str, list[Look]]:
    """Each page again and again, after all were opened once.

    Raises:
        BenchError: a page shows an error.
    """
    looks: dict[str, list[Look]] = {path: [] for path in paths}
    for turn in range(rounds + 1):
        for path in paths:
            look = _look(page, server, path)
            if turn:
                looks[path].append(look)
    return looks


def filter_seconds(page: Page, server: Server, path: str) -> float:
    """From the click on a filter of the board until the page shows what it leaves.

    Raises:
        BenchError: the page has no such filter, or shows an error.
    """
    from playwright.sync_api import Error

    _look(page, server, path)
    try:
        before = page.evaluate(_MAIN)
        choice = page.get_by_test_id("stMultiSelect").filter(has_text=_FILTER).first
        choice.locator("input").click()
        # all values together leave the page as it is
        option = page.get_by_role("option").filter(has_not_text="Select all").first
        option.wait_for()
        began = time.perf_counter()
        option.click()
        page.wait_for_function(_CHANGED, arg=before)
        return time.perf_counter() - began
    except Error as error:
        raise BenchError(f"the filter '{_FILTER}' of {path} could not be clicked: {_first_line(error)}") from error


def warm_page(found: Browser) -> Page:
    """A page whose browser keeps what it loaded."""
    return _new_page(found)


def _new_page(found: Browser) -> Page:
    page = found.new_context(viewport=_VIEWPORT).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(_LOOK_MILLISECONDS)
    return page


def _look(page: Page, server: Server, path: str) -> Look:
    from playwright.sync_api import Error

    began = time.perf_counter()
    try:
        page.goto(f"{server.address}/{path}", wait_until="commit")
        page.wait_for_function(_PAINTED)
        painted = time.perf_counter() - began
        page.wait_for_function(_SETTLED)
        settled = time.perf_counter() - began
        errors = page.locator(ERROR).all_inner_texts()
    except Error as error:
        raise BenchError(f"the page {path} did not come: {_first_line(error)}") from error
    if errors:
        raise BenchError(f"the page {path} shows an error: {errors[0].splitlines()[0]}")
    return Look(painted, settled)


def _wait_for(url: str, server: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BenchError(f"the dashboard did not start within {_START_SECONDS:g} seconds")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]

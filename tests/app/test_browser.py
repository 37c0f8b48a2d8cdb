"""The dashboard in a real browser: a filter, a number, and no request to anybody else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.format import percent
from db.read import Reader

CHROMIUM = Path("/usr/bin/chromium")
SCRIPT = Path(__file__).resolve().parents[2] / "app" / "main.py"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}; install Debian's chromium")


@pytest.fixture
def address(filled: Path, tmp_path: Path) -> Iterator[str]:
    """The dashboard, served on a free port."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(SCRIPT), "--server.port", str(port)]
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | {"LEANGNN_DB": str(filled)}, stdout=log, stderr=log
        )
        try:
            _wait_for(f"http://localhost:{port}/_stcore/health", server)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait(10)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the dashboard did not start")


def test_a_filter_in_the_url_and_by_hand(address: str, filled: Path, tmp_path: Path) -> None:
    hosts: set[str | None] = set()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        page.goto(f"{address}/?dataset=cora")
        page.get_by_test_id("stDataFrame").locator("canvas").first.wait_for()
        best = Reader(filled).board(dataset="cora")[0]
        card = page.get_by_test_id("stMetric").first
        assert percent(best.mean) in card.inner_text()
        assert best.method in card.inner_text()
        assert "All rows (2)" in page.inner_text("body")

        strategies = page.get_by_test_id("stMultiSelect").filter(has_text="Strategy")
        strategies.locator("input").click()
        page.get_by_role("option", name="sgc").click()
        page.get_by_text("All rows (1)").wait_for()
        page.wait_for_url("**strategy=sgc**")
        assert "dataset=cora" in page.url

        page.screenshot(path=tmp_path / "board.png")
        browser.close()
    assert hosts - {None} == {"localhost"}
    assert (tmp_path / "board.png").stat().st_size > 10_000

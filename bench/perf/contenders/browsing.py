"""Readers in the browser beside a runner that stores trials: does anybody see an error, is any trial lost?"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bench.perf.contenders.dashboard import ARGUMENTS, CHROMIUM, ERROR, Server, require_browser
from db.errors import StoreError
from db.read import Reader
from db.records import CurvePoint, TrialRecord
from db.store import Store

SESSIONS = 8
EVERY_SECONDS = 0.2


@dataclass
class Browsed:
    """What happened."""

    views: int = 0
    """Pages that were opened."""
    due: int = 0
    """Trials that a writer which is never kept waiting stores meanwhile."""
    errors: list[str] = field(default_factory=list)
    """What pages said in red, or why one did not come."""
    written: list[str] = field(default_factory=list)
    """Identifiers of the trials that the store took."""
    refused: list[str] = field(default_factory=list)
    """What the store said when it did not."""
    slowest_write: float = 0.0
    """Seconds."""
    lost: int = 0
    """Trials that the store took and does not have."""


def browse_beside_a_writer(store: Path, server: Server, paths: Sequence[str], seconds: float) -> Browsed:
    """Let eight sessions walk through the pages while one writer stores a trial every 200 ms.

    Raises:
        BenchError: there is no browser.
    """
    require_browser()
    found, over = Browsed(), threading.Event()
    writer = threading.Thread(target=_write, args=(store, found, over))
    began = time.monotonic()
    writer.start()
    try:
        asyncio.run(_browse(server, paths, seconds, found))
    finally:
        found.due = int((time.monotonic() - began) / EVERY_SECONDS)
        over.set()
        writer.join()
    stored = {trial.trial_id for trial in Reader(store).trials(session_id=_SESSION)}
    found.lost = len(set(found.written) - stored)
    return found


_SESSION = "writer"


def _write(store: Path, found: Browsed, over: threading.Event) -> None:
    """In the process of the browser's driver, as a runner is no part of the server."""
    reader = Reader(store)
    overview = reader.overview()
    [model] = reader.trials(trial_id=str(overview.newest_trial))
    [curve] = reader.curves([model.trial_id]).values()
    columns = (getattr(curve, each.name).tolist() for each in fields(CurvePoint))
    model = replace(model, curve=tuple(CurvePoint(*point) for point in zip(*columns, strict=True)))
    dataset = next(each for each in overview.datasets if each.name == model.dataset)
    method = next(each for each in overview.methods if each.name == model.method)
    door = Store(store)
    machine, session = overview.machines[0], replace(overview.sessions[-1], session_id=_SESSION)
    door.record_session(machine, session)
    began = time.monotonic()
    while not over.wait(max(0.0, began + len(found.written) * EVERY_SECONDS - time.monotonic())):
        trial = _another(model, len(found.written) + len(found.refused))
        start = time.monotonic()
        try:
            door.record_trial(trial, dataset, method)
            found.written.append(trial.trial_id)
        except StoreError as error:
            found.refused.append(str(error))
        found.slowest_write = max(found.slowest_write, time.monotonic() - start)


def _another(model: TrialRecord, number: int) -> TrialRecord:
    name = f"{_SESSION}-{number}"
    return replace(model, trial_id=name, fingerprint=name, session_id=_SESSION, split=1_000 + number)


async def _browse(server: Server, paths: Sequence[str], seconds: float, found: Browsed) -> None:
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        end = time.monotonic() + seconds
        walks = [_walk(await browser.new_page(), server, paths, start, end, found) for start in range(SESSIONS)]
        await asyncio.gather(*walks)
        await browser.close()


async def _walk(page: Any, server: Server, paths: Sequence[str], start: int, end: float, found: Browsed) -> None:
    from playwright.async_api import Error

    number = start
    while time.monotonic() < end:
        path = paths[number % len(paths)]
        number += 1
        try:
            await page.goto(f"{server.address}/{path}", timeout=60_000)
            await page.get_by_role("heading", level=1).first.wait_for(timeout=60_000)
            # somebody reads
            await page.wait_for_timeout(2_000)
            found.errors += [f"{path}: {said}" for said in await page.locator(ERROR).all_inner_texts()]
        except Error as error:
            found.errors.append(f"{path}: {str(error).splitlines()[0]}")
        found.views += 1

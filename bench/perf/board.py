"""The dashboard in front of 100,000 trials and 10 million evaluations, in a real browser."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.perf.contenders.board_store import LARGE, SMALL, Size, fill
from bench.perf.contenders.browsing import EVERY_SECONDS, SESSIONS, Browsed, browse_beside_a_writer
from bench.perf.contenders.dashboard import (
    Look,
    browser,
    cold_looks,
    filter_seconds,
    pages,
    require_browser,
    served,
    warm_looks,
    warm_page,
)
from bench.perf.registry import Options
from bench.perf.report import Figure, Figures, Goal, Report
from bench.perf.worker import usable_threads

TITLE = "Dashboard: time until each page stands, of a filter, memory, and eight readers beside a writer"

COLD_SECONDS, WARM_SECONDS, FILTER_SECONDS, MEMORY_BYTES = 4.0, 1.5, 0.5, 500e6
STORED_SHARE = 0.9
"""Of the trials that a writer stores which nobody reads beside."""

_BROWSE_SECONDS, _QUICK_BROWSE_SECONDS = 300.0, 10.0


@dataclass(frozen=True)
class Measured:
    """What a browser saw."""

    cold: Mapping[str, Look]
    """By page."""
    warm: Mapping[str, Sequence[Look]]
    filters: Sequence[float]
    """Seconds of each click."""
    peak_bytes: int
    """Of the server, after all pages."""
    browsed: Browsed
    browsed_peak_bytes: int
    """Of the server that was browsed."""


def run(options: Options) -> Report:
    """Make the store, open every page of a fresh and of a running server, and browse beside a writer.

    Raises:
        BenchError: there is no browser, the dashboard does not start, or a page shows an error.
    """
    require_browser()
    size = SMALL if options.quick else LARGE
    with tempfile.TemporaryDirectory(prefix="leangnn-perf-") as folder:
        began = time.perf_counter()
        store = fill(Path(folder) / "board.duckdb", size)
        made = time.perf_counter() - began
        measured = _measure(store, options.rounds, _QUICK_BROWSE_SECONDS if options.quick else _BROWSE_SECONDS)
        setting = _setting(size, store, made, options.rounds)
    return Report(TITLE, setting, tables(measured), goals(measured))


def _measure(store: Path, rounds: int, seconds: float) -> Measured:
    paths = pages()
    with browser() as found:
        cold = cold_looks(found, store, paths)
        with served(store) as server:
            page = warm_page(found)
            warm = warm_looks(page, server, paths, rounds)
            clicks = [filter_seconds(page, server, paths[0]) for _ in range(rounds)]
            peak = server.peak_bytes()
    with served(store) as server:
        browsed = browse_beside_a_writer(store, server, paths, seconds)
        return Measured(cold, warm, clicks, peak, browsed, server.peak_bytes())


def tables(measured: Measured) -> list[Figures]:
    """Seconds by page, and what the readers and the writer did."""
    looks: list[tuple[str, list[Figure]]] = [
        (
            page or "the first one",
            [
                look.painted,
                look.settled,
                _median(measured.warm[page], "painted"),
                _median(measured.warm[page], "settled"),
            ],
        )
        for page, look in measured.cold.items()
    ]
    browsed = measured.browsed
    columns = [
        *("pages opened", "errors shown", "trials due", "trials stored", "trials refused", "trials lost"),
        *("slowest write, s", "largest resident set, bytes"),
    ]
    counts: list[Figure] = [
        *(browsed.views, len(browsed.errors), browsed.due, len(browsed.written), len(browsed.refused), browsed.lost),
        *(browsed.slowest_write, measured.browsed_peak_bytes),
    ]
    return [
        Figures("seconds until a page stands", ["cold", "cold, complete", "warm", "warm, complete"], looks),
        Figures("readers beside a writer", columns, [(f"{SESSIONS} readers", counts)]),
    ]


def goals(measured: Measured) -> list[Goal]:
    """The slowest page, what the server holds, and that neither readers nor the writer were kept from anything."""
    cold = {page: look.painted for page, look in measured.cold.items()}
    warm = {page: _median(looks, "painted") for page, looks in measured.warm.items()}
    browsed = measured.browsed
    return [
        Goal(f"cold, slowest page ({_slowest(cold)}), seconds", max(cold.values(), default=None), COLD_SECONDS),
        Goal(f"warm, slowest page ({_slowest(warm)}), seconds", max(warm.values(), default=None), WARM_SECONDS),
        Goal("a filter, seconds", statistics.median(measured.filters), FILTER_SECONDS),
        Goal("largest resident set of the server, bytes", measured.peak_bytes, MEMORY_BYTES),
        Goal(f"the same with {SESSIONS} readers beside a writer, bytes", measured.browsed_peak_bytes, MEMORY_BYTES),
        Goal(f"errors shown{_first(browsed.errors)}", len(browsed.errors), 0),
        Goal(f"trials refused{_first(browsed.refused)}", len(browsed.refused), 0),
        Goal("trials lost", browsed.lost, 0),
        Goal("share of the trials due that was stored", _share(browsed), STORED_SHARE, at_least=True),
    ]


def _setting(size: Size, store: Path, made: float, rounds: int) -> dict[str, object]:
    return {
        "trials": size.trials,
        "evaluations": size.trials * size.points,
        "megabytes": round(store.stat().st_size / 1e6),
        "made in seconds": round(made, 1),
        "rounds": rounds,
        "threads": usable_threads(),
        "a trial every": f"{EVERY_SECONDS:g} s",
    }


def _median(looks: Sequence[Look], name: str) -> float:
    return statistics.median(getattr(look, name) for look in looks)


def _share(browsed: Browsed) -> float | None:
    return len(browsed.written) / browsed.due if browsed.due else None


def _slowest(seconds: Mapping[str, float]) -> str:
    return max(seconds, key=seconds.__getitem__, default="none") or "the first one"


def _first(said: Sequence[str]) -> str:
    return f" ({said[0]})" if said else ""

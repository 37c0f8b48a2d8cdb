"""Which rows are drawn: in what order, and which hundred of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.costs import COSTS
from db.scoring.board import BoardRow

PAGE = 100
"""Rows that are drawn at once; ten thousand would take a browser seconds, and nobody reads them."""

BY_DATASET = "dataset, then score"


def _ratio(stem: str) -> Callable[[BoardRow], Any]:
    def key(row: BoardRow) -> Any:
        ratio = getattr(row, f"{stem}_ratio")
        # rows without the ratio come last
        return (math.inf if ratio is None else ratio, row.dataset, row.method)

    return key


ORDERS: Mapping[str, Callable[[BoardRow], Any]] = {
    **{f"{cost.noun} ratio": _ratio(stem) for stem, cost in COSTS.items()},
    "newest": lambda row: (-row.measured_at.timestamp(), row.dataset, row.method),
}
"""Keys by the words in the URL. Without any of them rows stay as `db.scoring.board` has them, `BY_DATASET`."""


def ordered(rows: Sequence[BoardRow], order: str) -> Sequence[BoardRow]:
    """The rows in this order."""
    return sorted(rows, key=ORDERS[order]) if order in ORDERS else rows


def pages(rows: Sequence[Any]) -> int:
    """How many pages the rows fill, one at least."""
    return max(1, math.ceil(len(rows) / PAGE))


def page(rows: Sequence[Any], number: int) -> Sequence[Any]:
    """The rows of a page, counted from 1."""
    return rows[(number - 1) * PAGE : number * PAGE]


def drawn(rows: Sequence[Any], number: int) -> str:
    """What is drawn, in a sentence; empty when it is everything."""
    if len(rows) <= PAGE:
        return ""
    last = min(number * PAGE, len(rows))
    return f"Rows {(number - 1) * PAGE + 1:,} to {last:,} of {len(rows):,}; a download holds all of them."

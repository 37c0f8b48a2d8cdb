"""Numbers and tables for the terminal."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from db.scoring.board import BoardRow

NARROWEST = 100
NONE = "\N{EN DASH}"
"""Stands where there is no figure."""


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, indent=2, default=str))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()) -> None:
    """A plain table; the positions in `numeric` are set flush right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if position in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text, because a name may look like markup
    wide = sys.stdout.isatty()
    # piped output is read by programs and people with wide windows: nothing is folded
    width = max(NARROWEST, shutil.get_terminal_size().columns) if wide else 400
    Console(width=width).print(table, crop=False)


def percent(value: float | None, digits: int = 2) -> str:
    return NONE if value is None else f"{100 * value:.{digits}f}"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """`89.75 ± 0.37` where the interval is symmetric; the mean alone where there is none."""
    if value is None:
        return NONE
    if low is None or high is None:
        return percent(value)
    return f"{100 * value:.2f} ± {50 * (high - low):.2f}"


def cells(row: BoardRow) -> str:
    """The n of a row; `10 (4 paired)` where its ratios and difference are of fewer."""
    return f"{row.n} ({row.paired} paired)" if row.is_partly_paired else str(row.n)


def ratio(value: float | None, low: float | None, high: float | None) -> str:
    """`0.53 (0.48 to 0.59)`."""
    if value is None:
        return NONE
    if low is None or high is None or low == high:
        return f"{value:.2f}"
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def seconds(value: float | None) -> str:
    if value is None:
        return NONE
    if value < 1:
        return f"{1000 * value:.0f} ms"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.1f} min"


def megabytes(value: int | None) -> str:
    return NONE if value is None else f"{value / 1e6:.0f} MB"

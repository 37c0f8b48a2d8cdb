"""Rows of the board as cells of a table: a text, and what the column is sorted by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.cli import output
from db.records import Trust
from db.scoring.board import BoardRow

HEADINGS = (
    "Dataset", "Method", "Preset", "Metric", "% \N{PLUS-MINUS SIGN} 95 %", "n", "Time ratio", "Memory ratio",
    "Target ratio", "Scored time", "Peak memory", "Same metric", "Status", "Device", "Trust",
)  # fmt: skip
_EQUIVALENT = {True: "yes", False: "not shown", None: ""}


@dataclass(frozen=True)
class Cell:
    """`key` is what a column is sorted by: a number, a lower-case word, or nothing, which comes last."""

    text: str
    key: str
    numeric: bool = False


@dataclass(frozen=True)
class Line:
    """One row: the page of its dataset, its cells, and whether it is on the front or refuted."""

    page: str
    cells: tuple[Cell, ...]
    pareto: bool
    refuted: bool


def lines(rows: Sequence[BoardRow], pages: dict[str, str]) -> list[Line]:
    """The rows of the board in its order; `pages` holds the file of each dataset."""
    refuted = (Trust.DISPUTED.value, Trust.RETRACTED.value)
    return [Line(pages[row.dataset], _cells(row), row.pareto, row.trust in refuted) for row in rows]


def _cells(row: BoardRow) -> tuple[Cell, ...]:
    failures = ", ".join(f"{count} {status}" for status, count in row.failures.items())
    same = "reference" if row.method == row.reference else _EQUIVALENT[row.equivalent]
    mark = "~" if row.interleaved is False and row.time_ratio is not None else ""
    return (
        _word(row.dataset),
        _word(row.method),
        _word(row.preset or ""),
        _word(row.metric),
        _number(output.interval(row.mean, row.ci_low, row.ci_high), row.mean),
        _number(output.cells(row), row.n),
        _number(mark + output.ratio(row.time_ratio, row.time_ratio_low, row.time_ratio_high), row.time_ratio),
        _number(output.ratio(row.memory_ratio, row.memory_ratio_low, row.memory_ratio_high), row.memory_ratio),
        _number(output.ratio(row.target_ratio, row.target_ratio_low, row.target_ratio_high), row.target_ratio),
        _number(output.seconds(row.scored_seconds), row.scored_seconds),
        _number(output.megabytes(row.peak_memory_bytes), row.peak_memory_bytes),
        _word(same),
        _word(f"{row.status} ({failures})" if failures else row.status),
        _word(row.device),
        _word(row.trust.replace("_", " ")),
    )


def _word(text: str) -> Cell:
    return Cell(text, text.lower())


def _number(text: str, value: float | None) -> Cell:
    return Cell(text, "" if value is None else repr(float(value)), numeric=True)

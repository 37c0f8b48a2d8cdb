"""Published tables: compact TOML into one `db.records.PublishedFigure` a cell."""

from __future__ import annotations

import re
import statistics
from functools import cache
from typing import Literal, NamedTuple

from pydantic import Field

from bench import tables
from bench.errors import UsageError
from bench.reproduction.ours import Ours, command, narrowed, resolved
from bench.tables import Table
from db.records import PublishedFigure
from methods.method import Method
from methods.spec import nearest

UNREAD = "?"
"""Stands for a figure that the paper has and nobody here could read."""
FINDINGS = "findings"

_PRINTED = re.compile(r"(\d+(?:\.\d+)?)(?: \+- (\d+(?:\.\d+)?))?")


class Held(Ours):
    """What a table, a column or a row says of its figures; the narrower one wins.

    Attributes:
        quantity: see `db.records.PublishedFigure`.
        unit: how figures are printed: in percent, as they are, or how many times less than the baseline.
        source, note, not_comparable: see `db.records.PublishedFigure`.
    """

    quantity: str = "test_metric"
    unit: Literal["percent", "plain", "times less"] = "percent"
    source: str = ""
    note: str = ""
    not_comparable: str | None = None


class Column(Held):
    """One column; `label` is the dataset where it is left out."""

    label: str | None = None


class Row(Held):
    """One row.

    Attributes:
        label: as printed.
        cells: one text a column, for example `73.69 +- 0.74`; a list of texts holds several printed runs, `?` stands
            for an unread figure and an empty text for none. All are unread where they are left out.
    """

    label: str
    cells: list[str | list[str]] | None = None


class PublishedTable(Held):
    """One published table.

    Attributes:
        id: short, for the identifiers of its figures.
        place: where it is printed.
        column, row: its columns and rows.
    """

    id: str
    place: str
    column: list[Column] = Field(min_length=1)
    row: list[Row] = Field(min_length=1)


class Paper(Table):
    """One file: what one paper, or several sources of reference numbers, published.

    Attributes:
        title: for a heading.
        table: its tables.
    """

    title: str
    table: list[PublishedTable] = Field(min_length=1)


class Listed(NamedTuple):
    """A figure and how ours is run, or None where nothing of ours stands beside it."""

    figure: PublishedFigure
    ours: Ours | None


def names() -> list[str]:
    """The papers whose figures are listed."""
    return [name for name in tables.shipped("reproduction") if name != FINDINGS]


def load(name: str) -> Paper:
    """The file of a paper.

    Raises:
        UsageError: there is none, or it is not well-formed.
    """
    if name not in names():
        raise UsageError(f"no paper is called '{name}'; {nearest(name, names())}")
    return tables.read(tables.shipped("reproduction")[name], Paper)


@cache
def figures(name: str) -> tuple[Listed, ...]:
    """All figures of a paper in their order.

    Raises:
        UsageError: the file is not well-formed, or a figure names what does not exist.
    """
    listed = [
        _listed(name, table, column, row, cell)
        for table in load(name).table
        for row in table.row
        for column, cell in zip(table.column, _cells(row, table), strict=True)
        if cell != ""
    ]
    identifiers = [each.figure.figure_id for each in listed]
    if doubles := {each for each in identifiers if identifiers.count(each) > 1}:
        raise UsageError(f"two figures are called '{min(doubles)}'; give their rows or columns other labels")
    return tuple(listed)


def _cells(row: Row, table: PublishedTable) -> list[str | list[str]]:
    cells = [UNREAD] * len(table.column) if row.cells is None else row.cells
    if len(cells) != len(table.column):
        raise UsageError(f"row '{row.label}' of '{table.place}' has {len(cells)} cells for {len(table.column)} columns")
    return list(cells)


def _listed(paper: str, table: PublishedTable, column: Column, row: Row, cell: str | list[str]) -> Listed:
    said = narrowed(table, column, row)
    held = Held(**{name: value for name, value in said.items() if name in Held.model_fields})
    ours = Ours(**{name: value for name, value in said.items() if name in Ours.model_fields})
    is_run = bool(ours.dataset and ours.method and (ours.preset or ours.protocol))
    canonical = Method.parse(ours.method).name if ours.method else None
    dataset, method, settings = resolved(ours) if is_run else (ours.dataset, canonical, {})
    value, spread, note = _read(cell, held.unit)
    figure = PublishedFigure(
        figure_id="/".join((paper, table.id, column.label or ours.dataset or "", row.label)),
        paper=paper,
        place=table.place,
        quantity=held.quantity,
        value=value,
        spread=spread,
        dataset=dataset,
        method=method,
        preset=ours.preset,
        settings=settings,
        command=command(ours) if is_run else None,
        source=held.source,
        note=" ".join(filter(None, (held.note, note))),
        not_comparable=held.not_comparable,
    )
    return Listed(figure, ours if is_run else None)


def _read(cell: str | list[str], unit: str) -> tuple[float | None, float | None, str]:
    """Value, spread and a word on how it was printed."""
    if cell == UNREAD:
        return None, None, ""
    printed = [_printed(text) for text in ([cell] if isinstance(cell, str) else cell)]
    values = [value for value, _ in printed]
    value, spread = values[0], printed[0][1]
    note = ""
    if len(values) > 1:
        value, spread = statistics.mean(values), statistics.stdev(values)
        note = f"Mean and standard deviation of {len(values)} printed runs: {', '.join(str(each) for each in values)}."
    if unit == "times less":
        return 1 / value, None, f"Printed as {value:g} times."
    scale = 100 if unit == "percent" else 1
    return value / scale, None if spread is None else spread / scale, note


def _printed(text: str) -> tuple[float, float | None]:
    found = _PRINTED.fullmatch(text)
    if found is None:
        raise UsageError(
            f"'{text}' is no figure; write for example 73.69 or 73.69 +- 0.74, and ? where it is not known"
        )
    return float(found[1]), None if found[2] is None else float(found[2])

"""What the reader chose: filters as plain values, without Streamlit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from db.records import DatasetRecord
from db.scoring.board import BoardRow

FIELDS = ("dataset", "backbone", "strategy", "rescaler", "quantizer", "track", "device", "trust")
"""The fields of `BoardRow` that can be chosen, in the order they are offered; also the names in the URL."""

RANKED = "ranked"
"""The name in the URL of the choice to see ranked rows only."""

RANGES: Mapping[str, tuple[float, float]] = {"homophily": (0.0, 1.0), "nodes": (0.0, 9.0)}
"""The properties of a graph that can be narrowed, with the ends between which: edge homophily, and the power of ten of
its nodes. The ends are the same for every store, so that a link means the same on all."""

DATES = ("since", "until")
"""The names in the URL of the first and the last day of measurement."""

_PARTS = ("backbone", "strategy", "rescaler", "quantizer")

Choices = Mapping[str, Sequence[str]]
Span = tuple[float, float]


@dataclass(frozen=True)
class Filters:
    """Chosen values by field; a field without any lets every row pass."""

    chosen: Choices = field(default_factory=dict)
    only_ranked: bool = False
    spans: Mapping[str, Span] = field(default_factory=dict)
    """By the names of `RANGES`, those that leave something out; a graph whose property is unknown does not pass."""
    since: date | None = None
    until: date | None = None
    """The newest trial of a row ran on these days or between them, in UTC."""

    @property
    def any(self) -> bool:
        """Whether something is filtered at all."""
        return bool(self.only_ranked or any(self.chosen.values()) or self.spans or self.since or self.until)


def value(row: BoardRow, name: str) -> str:
    """The value of a row under which it is chosen: of a part its name without parameters, `none` where it has none."""
    return _word(getattr(row, name), name)


def choices(rows: Iterable[BoardRow]) -> dict[str, list[str]]:
    """All values by field, sorted, with `none` first."""
    rows = list(rows)
    return {
        name: sorted(
            {_word(found, name) for found in {getattr(row, name) for row in rows}},
            key=lambda word: (word != "none", word),
        )
        for name in FIELDS
    }


def apply(rows: Iterable[BoardRow], filters: Filters, datasets: Iterable[DatasetRecord] = ()) -> list[BoardRow]:
    """The rows that match every field, in their order; `datasets` tell what graph a row is about."""
    wanted = {name: frozenset(words) for name, words in filters.chosen.items() if words}
    graphs = {(graph.name, graph.version) for graph in datasets if _is_within(graph, filters.spans)}
    return [
        row
        for row in rows
        if (not filters.only_ranked or row.status == "ranked")
        and all(value(row, name) in words for name, words in wanted.items())
        and (not filters.spans or (row.dataset, row.dataset_version) in graphs)
        and _is_of_days(row, filters.since, filters.until)
    ]


def unknown(query: Mapping[str, Sequence[str]], known: Choices) -> list[str]:
    """The words of a URL that `known` does not offer under their name, as `name=word`."""
    return [f"{name}={word}" for name in known for word in query.get(name, ()) if word not in known[name]]


def unreadable(query: Mapping[str, Sequence[str]]) -> list[str]:
    """The words of a URL that are no range of `RANGES` and no day of `DATES`, as `name=word`."""
    spans = [name for name in RANGES if query.get(name) and not _is_span(query[name], RANGES[name])]
    days = [name for name in DATES if query.get(name) and not _is_day(query[name])]
    return [f"{name}={word}" for name in (*spans, *days) for word in query[name]]


def narrowed(spans: Mapping[str, Span]) -> dict[str, Span]:
    """Those of the spans, from their lower end on, that leave something out."""
    ordered = {name: (min(span), max(span)) for name, span in spans.items()}
    return {name: span for name, span in ordered.items() if span != RANGES[name]}


def _word(found: object, name: str) -> str:
    if found is None:
        return "none"
    return str(found).partition("(")[0] if name in _PARTS else str(found)


def _is_within(graph: DatasetRecord, spans: Mapping[str, Span]) -> bool:
    found = {"homophily": graph.edge_homophily, "nodes": math.log10(graph.nodes) if graph.nodes else None}
    return all((at := found[name]) is not None and low <= at <= high for name, (low, high) in spans.items())


def _is_of_days(row: BoardRow, since: date | None, until: date | None) -> bool:
    if since is None and until is None:
        return True
    day = row.measured_at.date()
    return (since is None or since <= day) and (until is None or day <= until)


def _is_span(words: Sequence[str], ends: Span) -> bool:
    try:
        low, high = (float(word) for word in words)
    except ValueError:
        return False
    return ends[0] <= low <= ends[1] and ends[0] <= high <= ends[1]


def _is_day(words: Sequence[str]) -> bool:
    try:
        (day,) = (date.fromisoformat(word) for word in words)
    except ValueError:
        return False
    return day.year > 1

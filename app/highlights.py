"""The few rows of one dataset that answer most questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from app import format as words
from db.scoring.board import BoardRow


class Highlight(NamedTuple):
    """One figure with the method it belongs to."""

    title: str
    figure: str
    row: BoardRow


def highlights(rows: Sequence[BoardRow]) -> list[Highlight]:
    """The best row in metric, scored time and memory, among the rows of one dataset, protocol and machine."""
    measured = [row for row in rows if row.mean is not None]
    found = [
        _best("Most accurate", measured, lambda row: None if row.mean is None else -row.mean, _score),
        _best("Least time", measured, lambda row: row.scored_seconds, lambda row: words.seconds(row.scored_seconds)),
        _best(
            "Least memory", measured, lambda row: row.peak_memory_bytes, lambda row: words.size(row.peak_memory_bytes)
        ),
    ]
    return [highlight for highlight in found if highlight is not None]


def cards(found: Sequence[Highlight]) -> None:
    """Draw one card each."""
    with st.container(horizontal=True):
        for title, figure, row in found:
            name = words.plain(row.method)
            st.metric(title, figure, name, delta_color="off", delta_arrow="off", border=True, width="stretch")


def _best(
    title: str,
    rows: Sequence[BoardRow],
    cost: Callable[[BoardRow], float | None],
    say: Callable[[BoardRow], str],
) -> Highlight | None:
    priced = [(price, row.method, row) for row in rows if (price := cost(row)) is not None]
    if not priced:
        return None
    row = min(priced, key=lambda item: item[:2])[2]
    return Highlight(title, say(row), row)


def _score(row: BoardRow) -> str:
    return words.percent(row.mean)

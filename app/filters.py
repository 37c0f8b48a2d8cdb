"""The widgets that choose rows. Streamlit keeps their values in the URL, so that a view can be shared."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import date
from typing import Any

import streamlit as st

from app.format import plain
from app.state import DATES, FIELDS, RANGES, RANKED, Choices, Filters, Span, narrowed, unknown, unreadable

_SLIDERS = {
    "homophily": ("Edge homophily", 0.05, "%.2f", "Share of edges that join two nodes of one class."),
    "nodes": ("Nodes, as a power of ten", 0.5, "10^%.1f", "From 1 to a billion nodes; 10^3.0 is a thousand."),
}
_DAYS = {"since": "Measured from", "until": "Measured until"}


def sidebar(known: Choices) -> Filters:
    """Draw one widget a field that leaves a choice, in the sidebar, and read them.

    Args:
        known: all values by field, see `app.state.choices`.
    """
    query = {name: st.query_params.get_all(name) for name in (*RANGES, *DATES)}
    say_ignored({name: known[name] for name in FIELDS}, unreadable(query))
    with st.sidebar:
        st.subheader("Filters", anchor=False)
        chosen = {
            name: st.multiselect(name.capitalize(), known[name], key=name, bind="query-params", placeholder="all")
            for name in FIELDS
            if len(known[name]) > 1
        }
        spans = {name: _slider(name) for name in RANGES} if len(known["dataset"]) > 1 else {}
        only_ranked = st.toggle(
            "Only ranked rows", key=RANKED, bind="query-params", help="Ranked: at least ten splits or seeds."
        )
        since, until = (_day(name) for name in DATES)
        filters = Filters(chosen, only_ranked, narrowed(spans), since, until)
        st.button("Clear filters", on_click=clear, disabled=not filters.any, icon=":material/filter_alt_off:")
    return filters


def say_ignored(known: Choices, further: Sequence[str] = ()) -> None:
    """Name the words of the URL that `known` does not offer, and `further` ones, in one sentence.

    To be called before the widgets, which remove from the URL what they do not know.
    """
    query = {name: st.query_params.get_all(name) for name in known}
    if strangers := [*unknown(query, known), *further]:
        st.info(f"The address asks for {plain(', '.join(strangers))}, which is not on this page, so it is ignored.")


def nothing_matches(wanted: Filters) -> None:
    """What stands in the place of rows where the filters leave none."""
    with st.container(border=True):
        st.subheader("No row matches these filters", anchor=False)
        st.button("Clear filters", on_click=clear, key="clear_all", type="primary")
        st.markdown("Or measure it:")
        dataset, backbone = (next(iter(wanted.chosen.get(name, ())), None) for name in ("dataset", "backbone"))
        words = ["leangnn", "run", "--dataset", dataset or "digits-knn", "--method", backbone or "gcn"]
        st.code(shlex.join(words), language="bash")


def clear() -> None:
    """Take back every choice; for a button, because a widget's value can change only before it is drawn."""
    blank: dict[str, Any] = {name: [] for name in FIELDS} | dict(RANGES) | dict.fromkeys(DATES) | {RANKED: False}
    for name, value in blank.items():
        if name in st.session_state:
            st.session_state[name] = value


def _slider(name: str) -> Span:
    label, step, form, tip = _SLIDERS[name]
    ends = RANGES[name]
    span: Span = st.slider(label, *ends, value=ends, step=step, format=form, key=name, bind="query-params", help=tip)
    return span


def _day(name: str) -> date | None:
    day = st.date_input(_DAYS[name], value=None, format="YYYY-MM-DD", key=name, bind="query-params")
    return day if isinstance(day, date) else None

"""The widgets that choose rows. Streamlit keeps their values in the URL, so that a view can be shared."""

from __future__ import annotations

import streamlit as st

from app.format import plain
from app.state import FIELDS, RANKED, Choices, Filters, unknown


def sidebar(known: Choices) -> Filters:
    """Draw one widget a field that leaves a choice, in the sidebar, and read them.

    Args:
        known: all values by field, see `app.state.choices`.
    """
    # asked before the widgets, which remove from the URL what they do not know
    query = {name: st.query_params.get_all(name) for name in FIELDS}
    if strangers := unknown(query, known):
        st.info(f"The address asks for {plain(', '.join(strangers))}, which is not on this board, so it is ignored.")
    with st.sidebar:
        st.subheader("Filters", anchor=False)
        chosen = {
            name: st.multiselect(name.capitalize(), known[name], key=name, bind="query-params", placeholder="all")
            for name in FIELDS
            if len(known[name]) > 1
        }
        only_ranked = st.toggle(
            "Only ranked rows", key=RANKED, bind="query-params", help="Ranked: at least ten splits or seeds."
        )
        filters = Filters(chosen, only_ranked)
        st.button("Clear filters", on_click=clear, disabled=not filters.any, icon=":material/filter_alt_off:")
    return filters


def clear() -> None:
    """Take back every choice; for a button, because a widget's value can change only before it is drawn."""
    for name in FIELDS:
        if name in st.session_state:
            st.session_state[name] = []
    st.session_state[RANKED] = False

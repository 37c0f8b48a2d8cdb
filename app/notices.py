"""What a page shows instead of rows, or above old ones. Each says what happened and what to type."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app.format import plain, seconds
from db.database import LockedError
from db.errors import StoreError
from db.read import Overview


def no_results(overview: Overview, name: str) -> None:
    """There is no database, or it has no trials."""
    found = f"holds no trials yet: {plain(name)}" if overview.exists else f"does not exist yet: {plain(name)}"
    with st.container(border=True):
        st.subheader("No results yet", anchor=False)
        st.markdown(f"The database {found}")
        st.markdown("This suite needs no download and takes a few minutes:")
        st.code("leangnn run quick", language="bash")
        st.markdown("Or show the results of another database:")
        st.code("leangnn serve --db results.duckdb", language="bash")
        again()


def store_error(error: StoreError) -> None:
    """The store cannot be read."""
    is_busy = isinstance(error, LockedError)
    with st.container(border=True):
        st.subheader("The database is busy" if is_busy else "The database cannot be shown", anchor=False)
        (st.info if is_busy else st.error)(plain(str(error)), icon=":material/lock:" if is_busy else None)
        if is_busy:
            st.markdown("A run writes at this moment. Nothing is lost; its rows appear when it lets go of the file.")
        else:
            st.markdown("To look at what the installation finds:")
            st.code("leangnn doctor", language="bash")
        again()


def stale(overview: Overview) -> None:
    """A writer holds the file, so the rows are old."""
    age = seconds(max(0.0, (datetime.now(UTC) - overview.read_at).total_seconds()))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            f"A run is writing to the database. These are the rows as they were {age} ago.",
            icon=":material/lock_clock:",
        )
        again()


def again() -> None:
    """A button that reads the store again; pressing any button does."""
    st.button("Read again", icon=":material/refresh:", key="read_again")

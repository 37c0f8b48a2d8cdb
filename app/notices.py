"""What a page shows instead of rows, or above old ones. Each says what happened and what to type."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

import streamlit as st

from app.format import plain, seconds
from db.database import LockedError
from db.errors import StoreError
from db.migrations import OlderSchemaError
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
    with st.container(border=True):
        if isinstance(error, LockedError):
            _busy(error)
        elif isinstance(error, OlderSchemaError):
            _older(error)
        else:
            st.subheader("The database cannot be shown", anchor=False)
            st.error(plain(str(error)))
            st.markdown("To look at what the installation finds:")
            st.code("leangnn doctor", language="bash")
        again()


def _busy(error: LockedError) -> None:
    st.subheader("The database is busy", anchor=False)
    st.info(plain(str(error)), icon=":material/lock:")
    st.markdown("A run writes at this moment. Nothing is lost; its rows appear when it lets go of the file.")


def _older(error: OlderSchemaError) -> None:
    st.subheader("The database is of an older version", anchor=False)
    st.info(plain(str(error)), icon=":material/upgrade:")
    st.markdown("An upgrade keeps all rows and takes seconds:")
    st.code(shlex.join(["leangnn", "db", "upgrade", "--db", error.name]), language="bash")


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

"""The open store, shared by all browser sessions: read at most every few seconds, scored once a reading."""

from __future__ import annotations

import os
from datetime import datetime

import streamlit as st

from db.read import Reader, StoreContents
from db.scoring.board import BoardRow

VARIABLE, DEFAULT = "LEANGNN_DB", "leangnn.duckdb"

_PATIENCE = 5.0


def store_name() -> str:
    """The store to show: a DuckDB file, an SQLAlchemy URL or the folder of a snapshot."""
    return os.environ.get(VARIABLE) or DEFAULT


@st.cache_resource(show_spinner=False)
def reader(name: str) -> Reader:
    """The reader of a store; one for all sessions, because it keeps the last good rows.

    Raises:
        StoreError: the name cannot be understood.
    """
    return Reader(name, deadline=_PATIENCE)


@st.cache_resource(ttl=2.0, max_entries=4, show_spinner="Reading the store ...")
def contents(_reader: Reader, name: str) -> StoreContents:
    """All rows, perhaps stale.

    Raises:
        StoreError: the store cannot be read.
    """
    return _reader.last_good()


@st.cache_resource(max_entries=4, show_spinner="Scoring the trials ...")
def scored(_contents: StoreContents, name: str, read_at: datetime) -> list[BoardRow]:
    """The rows of the board; `name` and `read_at` say which reading this is.

    Raises:
        StoreError: a trial names a method or dataset that is not stored.
    """
    return _contents.board()

"""The open store, shared by all browser sessions; pages get their rows here and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

import streamlit as st

from db.convert import Dynamics
from db.coverage import Coverage
from db.coverage import coverage as count_coverage
from db.last_good import LastGood, Pace, Served
from db.published import Published, read_published
from db.read import Overview, Reader
from db.records import TrialFigures, TrialRecord
from db.scoring.board import BoardRow
from db.scoring.curve import Curve

VARIABLE, DEFAULT = "LEANGNN_DB", "leangnn.duckdb"

T = TypeVar("T")

_PATIENCE = 5.0
_OVERVIEW, _BOARD = "overview", "board"
# of trials, about a kilobyte each
_MOST_PASSING = 40_000


class _Kept(NamedTuple):
    """What was read of one store: for good, and for the pages that are open."""

    lasting: LastGood
    passing: LastGood


def store_name() -> str:
    """The store to show: a DuckDB file, an SQLAlchemy URL or the folder of a snapshot."""
    return os.environ.get(VARIABLE) or DEFAULT


@st.cache_resource(show_spinner=False)
def reader(name: str) -> Reader:
    """The reader of a store; one for all sessions.

    Raises:
        StoreError: the name cannot be understood.
    """
    return Reader(name, deadline=_PATIENCE)


def read_ahead(reader: Reader) -> None:
    """Begin to read what nearly every page needs, while something else is done."""
    lasting = _kept(reader, reader.name).lasting
    lasting.begin(_OVERVIEW, reader.overview)
    lasting.begin(_BOARD, reader.board)


def overview(reader: Reader) -> Overview:
    """What the store holds, without trials and curves; marked stale while newer rows cannot be had yet.

    Raises:
        StoreError: the store cannot be read; likewise the next ones.
    """
    lasting = _kept(reader, reader.name).lasting
    served = _lasting(reader, _OVERVIEW, reader.overview, "Reading the database ...")
    # the board goes with it, so that a page never says that old rows are new
    is_stale = served.is_stale or (lasting.is_known(_BOARD) and _board(reader).is_stale)
    return replace(served.value, stale=True) if is_stale else served.value


def board(reader: Reader, **filters: Any) -> Sequence[BoardRow]:
    """The rows of the board, scored once for a state of the store.

    Filters: dataset, dataset_version, protocol, device and machine_id, each one word or several.
    """
    rows = _board(reader).value
    wanted = {name: {value} if isinstance(value, str) else set(value) for name, value in filters.items()}
    return [row for row in rows if all(getattr(row, name) in words for name, words in wanted.items())]


def beside(reader: Reader, methods: Iterable[str], reference: str) -> Sequence[BoardRow]:
    """The board of these methods alone, each held against `reference`, one of them, instead of its own."""
    names = sorted(methods)
    return _passing(reader, ("beside", *names, reference), lambda: reader.beside(names, reference))


def trials(reader: Reader, **filters: Any) -> Sequence[TrialFigures]:
    """The trials that match, oldest first; filters as in `Reader.trials`, and never without any."""
    words = tuple((name, value if isinstance(value, str) else tuple(value)) for name, value in sorted(filters.items()))
    return _passing(reader, ("trials", *words), lambda: reader.trial_figures(**filters))


def whole(reader: Reader, trial_ids: Iterable[str]) -> dict[str, TrialRecord]:
    """Trials with their documents, by trial_id; one that is not stored is left out."""
    wanted = sorted(set(trial_ids))
    read = partial(reader.trials, trial_id=wanted)
    return {trial.trial_id: trial for trial in _passing(reader, ("whole", *wanted), read)}


def curves(reader: Reader, trial_ids: Iterable[str], points: int = 200) -> dict[str, Curve]:
    """Curves by trial_id, thinned by the database to at most `points` evaluations each."""
    wanted = sorted(set(trial_ids))
    return _passing(reader, ("curves", points, *wanted), lambda: reader.curves(wanted, points))


def dynamics(reader: Reader, trial_id: str) -> dict[str, Dynamics]:
    """What was sampled of a trial's network, by quantity."""
    return _passing(reader, ("dynamics", trial_id), lambda: reader.dynamics(trial_id))


def coverage(reader: Reader) -> dict[tuple[str, str], Coverage]:
    """How much of each (dataset, version) was measured."""
    return _passing(reader, "coverage", lambda: reader.read(count_coverage, {}))


def published(reader: Reader) -> Published:
    """What papers printed and what their released code changes, with what of ours stands beside it."""
    return _passing(reader, ("published",), lambda: read_published(reader))


@st.cache_resource(show_spinner=False)
def _kept(_reader: Reader, name: str) -> _Kept:
    pace = Pace()
    return _Kept(LastGood(_reader, pace=pace), LastGood(_reader, _MOST_PASSING, pace))


def _board(reader: Reader) -> Served[list[BoardRow]]:
    return _lasting(reader, _BOARD, reader.board, "Scoring the trials ...")


def _lasting(reader: Reader, key: Hashable, read: Callable[[], T], doing: str) -> Served[T]:
    """What is kept for good; `doing` is said while it is read for the first time, which may take seconds."""
    lasting = _kept(reader, reader.name).lasting
    if lasting.is_known(key):
        return lasting.get(key, read)
    with st.spinner(doing):
        return lasting.get(key, read)


def _passing(reader: Reader, key: Hashable, read: Callable[[], T]) -> T:
    return _kept(reader, reader.name).passing.get(key, read).value

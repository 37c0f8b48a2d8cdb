"""The board of a store: what scoring needs is read as columns, and no document but what a figure hangs on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, String, and_, case, func, not_, select, text, tuple_

from db.arrays import read_arrays
from db.evaluations import StoredEvaluations
from db.records import DatasetRecord, Ledger, MethodRecord, Status
from db.schema import Session, Trial
from db.scoring.board import Gathered, gather, references
from db.scoring.comparison import ran_alone
from db.scoring.history import AGAIN
from db.scoring.trial_table import FIGURES, Group, TrialTable, declared_targets, parsed_seconds, trial_table
from db.stored_protocols import stored_protocols

Conditions = Sequence[ColumnElement[bool]]

_COLUMNS = Trial.__table__.c
_SAME = (
    *("trial_id", "session_id", "machine_id", "dataset", "dataset_version", "method", "protocol", "preset"),
    *("split", "seed", "repeat", "device", "status", "started_at", "trust"),
    *(name for name in FIGURES if name != "scored_seconds"),
)
_PLACE = (*(name for name in Group._fields if name != "method"), "split", "seed", "repeat")
_HAS_LEDGER = and_(*(_COLUMNS[f"{account.name}_seconds"].is_not(None) for account in fields(Ledger)))
_SCORED = _COLUMNS.preprocess_seconds + _COLUMNS.compile_seconds + _COLUMNS.train_seconds


def stored_board(
    connection: Connection,
    methods: Iterable[MethodRecord],
    datasets: Iterable[DatasetRecord],
    *chosen: ColumnElement[bool],
) -> Gathered:
    """What `db.scoring.board.score` makes a board from, of the trials that match all that is `chosen`.

    A session that measured again what a night made suspicious is left out: it was chosen by its outcome, so it is no
    part of a mean.
    """
    again = select(Session.session_id).where(Session.suite.endswith(AGAIN))
    chosen = (*chosen, _COLUMNS.session_id.not_in(again))
    known = list(methods)
    declared = declared_targets(stored_protocols(connection, *chosen))
    return gather(_table(connection, known, chosen), declared, StoredEvaluations(connection), known, datasets)


def _table(connection: Connection, methods: Sequence[MethodRecord], chosen: Conditions) -> TrialTable:
    """The newest trials, and the older ones of their references that these ran interleaved with."""
    is_newest = _may_be_newest(chosen)
    columns = _columns(connection, chosen, is_newest)
    table = trial_table(columns)
    alone = table.trial_id[ran_alone(table, references(table.groups, methods))].tolist()
    if not alone:
        return table
    is_reference = _COLUMNS.method.in_({method.reference for method in methods})
    older = _columns(connection, chosen, not_(is_newest), is_reference, _in_cells_of(alone))
    return trial_table({name: np.concatenate([column, older[name]]) for name, column in columns.items()})


def _columns(connection: Connection, chosen: Conditions, *further: ColumnElement[bool]) -> dict[str, NDArray[Any]]:
    scored = case((_HAS_LEDGER, _SCORED)).label("scored_seconds")
    query = select(*(_COLUMNS[name] for name in _SAME), scored).where(*chosen, *further)
    columns = read_arrays(connection, query.order_by(_COLUMNS.started_at, _COLUMNS.trial_id))
    return {**columns, "lost_seconds": _lost(connection, chosen, columns["trial_id"])}


def _may_be_newest(chosen: Conditions) -> ColumnElement[bool]:
    """Leaves out trials that `TrialTable.newest` would, which spares most of a store that grows every night."""
    place = [_COLUMNS[name] for name in (*_PLACE, "method")]
    whole = func.max(case((_COLUMNS.status != Status.INTERRUPTED.value, _COLUMNS.started_at)))
    newest = select(*place, func.coalesce(whole, func.max(_COLUMNS.started_at))).where(*chosen).group_by(*place)
    return tuple_(*place, _COLUMNS.started_at).in_(newest)


def _in_cells_of(trial_ids: Sequence[str]) -> ColumnElement[bool]:
    """Whether a trial could stand beside one of these."""
    given = text("SELECT unnest(CAST(:given AS VARCHAR[]))").bindparams(given=trial_ids).columns(trial_id=String)
    cells = [_COLUMNS[name] for name in _PLACE]
    return tuple_(*cells).in_(select(*cells).where(_COLUMNS.trial_id.in_(given)))


def _lost(connection: Connection, chosen: Conditions, trial_ids: NDArray[np.object_]) -> NDArray[np.float64]:
    """Wall seconds (trials,) of trials that were killed and so kept no ledger."""
    wall = _COLUMNS.environment["wall_seconds"].as_string()
    rows = connection.execute(select(_COLUMNS.trial_id, wall).where(not_(_HAS_LEDGER), *chosen))
    lost = {trial_id: parsed_seconds(said) for trial_id, said in rows}
    return np.array([lost.get(trial_id, 0.0) for trial_id in trial_ids], dtype=np.float64)

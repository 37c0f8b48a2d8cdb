"""Curves of a store, thinned by the database where a picture needs no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Integer, Select, cast, func, or_, select

from db.arrays import read_arrays
from db.schema import CurvePoint
from db.scoring.curve import Curve

FEWEST_POINTS = 4
"""A thinned curve keeps its first, best and last evaluation, and something between."""

_COLUMNS = CurvePoint.__table__.c
_NAMES = tuple(field.name for field in fields(Curve))
_IDENTIFIERS_A_QUERY = 5_000


def stored_curves(connection: Connection, trial_ids: Iterable[str] | None, points: int | None) -> dict[str, Curve]:
    """See `db.read.Reader.curves`."""
    if points is not None and points < FEWEST_POINTS:
        raise ValueError(f"a thinned curve has {FEWEST_POINTS} points at least, got {points}")
    if trial_ids is None:
        return dict(_curves(connection, points))
    wanted = list(dict.fromkeys(trial_ids))
    chunks = [wanted[start : start + _IDENTIFIERS_A_QUERY] for start in range(0, len(wanted), _IDENTIFIERS_A_QUERY)]
    return {
        trial_id: curve
        for chunk in chunks
        for trial_id, curve in _curves(connection, points, _COLUMNS.trial_id.in_(chunk))
    }


def _curves(connection: Connection, points: int | None, *chosen: ColumnElement[bool]) -> Iterator[tuple[str, Curve]]:
    found = read_arrays(connection, _whole(*chosen) if points is None else _thinned(points, *chosen))
    owner = found["trial_id"]
    starts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1])[: len(owner)]).tolist()
    for start, end in pairwise([*starts, len(owner)]):
        yield owner[start], Curve(**{name: found[name][start:end] for name in _NAMES})


def _whole(*chosen: ColumnElement[bool]) -> Select[Any]:
    query = select(_COLUMNS.trial_id, *(_COLUMNS[name] for name in _NAMES)).where(*chosen)
    return query.order_by(_COLUMNS.trial_id, _COLUMNS.position)


def _thinned(points: int, *chosen: ColumnElement[bool]) -> Select[Any]:
    best_first = (_COLUMNS.validation_metric.desc().nulls_last(), _COLUMNS.position)
    last = func.max(_COLUMNS.position).over(partition_by=_COLUMNS.trial_id)
    place = func.row_number().over(partition_by=_COLUMNS.trial_id, order_by=best_first)
    counted = select(*_COLUMNS, last.label("last"), place.label("place")).where(*chosen).subquery().c
    # two points are left for the best evaluation and the last
    step = cast(func.ceil((counted.last + 1.0) / (points - 2)), Integer)
    kept = or_(counted.position % step == 0, counted.place == 1, counted.position == counted.last)
    query = select(counted.trial_id, *(counted[name] for name in _NAMES)).where(kept)
    return query.order_by(counted.trial_id, counted.position)

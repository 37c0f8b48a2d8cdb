"""How much of each dataset was measured, counted by the database."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from db.schema import Trial


class Coverage(NamedTuple):
    """What is stored of one dataset in one version, however it ended."""

    trials: int
    methods: int
    splits: int
    """Different splits that were trained on."""
    newest: datetime
    """When the newest trial started."""


def coverage(connection: Connection) -> dict[tuple[str, str], Coverage]:
    """The coverage of each (dataset, version) that has trials; for `db.read.Reader.read`."""
    own = (Trial.dataset, Trial.dataset_version)
    query = select(
        *own,
        func.count(),
        func.count(Trial.method.distinct()),
        func.count(Trial.split.distinct()),
        func.max(Trial.started_at),
    ).group_by(*own)
    rows = connection.execute(query).all()
    return {
        (name, version): Coverage(trials, methods, splits, newest)
        for name, version, trials, methods, splits, newest in rows
    }

"""Between records and rows of the tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from db.records import (
    CurvePoint,
    DatasetRecord,
    Ledger,
    MachineRecord,
    MethodRecord,
    SessionRecord,
    Status,
    TrialRecord,
    Trust,
)

Row = dict[str, Any]

_ACCOUNTS = tuple(field.name for field in fields(Ledger))
_APART = ("ledger", "curve", "predictions")


def plain_row(record: MachineRecord | SessionRecord | DatasetRecord | MethodRecord) -> Row:
    """The columns of a record whose fields are columns."""
    return {field.name: _stored(getattr(record, field.name)) for field in fields(record)}


def trial_row(trial: TrialRecord) -> Row:
    """The columns of a trial, without its curve and predictions."""
    row = {field.name: _stored(getattr(trial, field.name)) for field in fields(trial) if field.name not in _APART}
    row["status"], row["trust"] = trial.status.value, trial.trust.value
    for account in _ACCOUNTS:
        row[f"{account}_seconds"] = None if trial.ledger is None else getattr(trial.ledger, account)
    return row


def curve_rows(trial: TrialRecord) -> list[Row]:
    """One row an evaluation, in order."""
    return [
        {"trial_id": trial.trial_id, "position": position}
        | {field.name: _stored(getattr(point, field.name)) for field in fields(CurvePoint)}
        for position, point in enumerate(trial.curve)
    ]


def trial_record(row: Mapping[str, Any]) -> TrialRecord:
    """The trial of a row, with an empty curve and no predictions."""
    values = {field.name: row[field.name] for field in fields(TrialRecord) if field.name not in _APART}
    values["status"], values["trust"] = Status(row["status"]), Trust(row["trust"])
    seconds = [row[f"{account}_seconds"] for account in _ACCOUNTS]
    values["ledger"] = None if None in seconds else Ledger(*seconds)
    return TrialRecord(**values)


def _stored(value: Any) -> Any:
    """JSON has no NaN, and a database that compares NaN does not agree with Python: both become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _stored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(item) for item in value]
    return value

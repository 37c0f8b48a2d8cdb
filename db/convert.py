"""Between records and rows of the tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.records import (
    CurvePoint,
    DatasetRecord,
    Ledger,
    MachineRecord,
    MethodCard,
    MethodRecord,
    SessionRecord,
    Status,
    SubmissionRecord,
    TrialFigures,
    TrialRecord,
    Trust,
    TrustEvent,
)

Row = dict[str, Any]

_ACCOUNTS = tuple(field.name for field in fields(Ledger))
FIGURE_COLUMNS = (
    *(field.name for field in fields(TrialFigures) if field.name != "ledger"),
    *(f"{account}_seconds" for account in _ACCOUNTS),
)
"""The columns that `trial_figures` needs."""

_APART = ("ledger", "curve", "dynamics", "predictions")


@dataclass(frozen=True, eq=False)
class Dynamics:
    """One quantity of a trial's network during training.

    Attributes:
        epochs: [samples] finished epochs at each sample.
        values: [samples, layers], or [samples, groups, quantiles] over each group of hidden units; NaN where there is
            none or it was not finite.
    """

    epochs: NDArray[np.int64]
    values: NDArray[np.float64]


def plain_row(
    record: MachineRecord | SessionRecord | DatasetRecord | MethodRecord | MethodCard | SubmissionRecord | TrustEvent,
) -> Row:
    """The columns of a record whose fields are columns."""
    return {field.name: _stored(getattr(record, field.name)) for field in fields(record)}


def trial_row(trial: TrialRecord) -> Row:
    """The columns of a trial, without its curve, dynamics and predictions."""
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


def dynamics_rows(trial: TrialRecord) -> list[Row]:
    """One row a quantity."""
    return [
        {"trial_id": trial.trial_id, "quantity": series.quantity}
        | {"epochs": list(series.epochs), "values": _stored(series.values)}
        for series in trial.dynamics
    ]


def trial_figures(row: Mapping[str, Any]) -> TrialFigures:
    """The figures of a row."""
    return TrialFigures(**_values(row, TrialFigures))


def trial_record(row: Mapping[str, Any]) -> TrialRecord:
    """The trial of a row, without its curve, dynamics and predictions."""
    return TrialRecord(**_values(row, TrialRecord))


def dynamics(row: Mapping[str, Any]) -> Dynamics:
    """The quantity of a row."""
    return Dynamics(np.array(row["epochs"], dtype=np.int64), np.array(row["values"], dtype=np.float64))


def _values(row: Mapping[str, Any], record: type[TrialFigures]) -> Row:
    values = {field.name: row[field.name] for field in fields(record) if field.name not in _APART}
    values["status"], values["trust"] = Status(row["status"]), Trust(row["trust"])
    seconds = [row[f"{account}_seconds"] for account in _ACCOUNTS]
    values["ledger"] = None if None in seconds else Ledger(*seconds)
    return values


def _stored(value: Any) -> Any:
    """JSON has no NaN, and a database that compares NaN does not agree with Python: both become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _stored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(item) for item in value]
    return value

"""Trials as columns, so that a hundred thousand of them are scored by arithmetic on arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from db.records import Status, TrialFigures, TrialRecord, Trust

STATUSES = tuple(Status)
"""The order in which a table counts them."""

WEAKEST_FIRST = (
    Trust.REJECTED,
    Trust.RETRACTED,
    Trust.DISPUTED,
    Trust.SELF_REPORTED,
    Trust.CHECKED,
    Trust.REPRODUCED,
    Trust.MEASURED_HERE,
)

FIGURES = ("test_metric", "scored_seconds", "peak_memory_bytes", "energy_joules", "inference_seconds", "model_bytes")

Columns = Mapping[str, NDArray[Any]]

_SAME = ("trial_id", "session_id", "preset", "split", "seed", "repeat", "started_at", "lost_seconds")

_HAS_METRIC = np.array([status.has_metric for status in STATUSES])
_INTERRUPTED = STATUSES.index(Status.INTERRUPTED)


class Group(NamedTuple):
    """What the trials behind one row of the board share."""

    dataset: str
    dataset_version: str
    protocol: str
    device: str
    machine_id: str
    method: str


@dataclass(frozen=True, eq=False)
class TrialTable:
    """Columns (trials,); a figure that is missing is NaN."""

    groups: Sequence[Group]
    """Sorted."""
    group: NDArray[np.int64]
    """Index into `groups`."""
    trial_id: NDArray[np.object_]
    session_id: NDArray[np.object_]
    preset: NDArray[np.object_]
    split: NDArray[np.int64]
    seed: NDArray[np.int64]
    repeat: NDArray[np.int64]
    cell: NDArray[np.int64]
    """One number a (split, seed), ascending in their order."""
    status: NDArray[np.int64]
    """Index into `STATUSES`."""
    trust: NDArray[np.int64]
    """Index into `WEAKEST_FIRST`."""
    started_at: NDArray[np.datetime64]
    """In UTC."""
    test_metric: NDArray[np.float64]
    scored_seconds: NDArray[np.float64]
    """NaN where the trial kept no ledger."""
    lost_seconds: NDArray[np.float64]
    """Wall time of a trial that was killed and so kept no ledger, 0 otherwise."""
    peak_memory_bytes: NDArray[np.float64]
    energy_joules: NDArray[np.float64]
    inference_seconds: NDArray[np.float64]
    model_bytes: NDArray[np.float64]

    @property
    def has_metric(self) -> NDArray[np.bool_]:
        """Which trials say what the method reaches."""
        return _HAS_METRIC[self.status] & ~np.isnan(self.test_metric)

    @property
    def is_counted(self) -> NDArray[np.bool_]:
        """All but the trials that their user interrupted: those say nothing, every other failure is a miss."""
        return self.status != _INTERRUPTED

    def newest(self) -> NDArray[np.int64]:
        """Rows of the newest trial of each group, split, seed and repeat, in their order; of equally new ones the last.

        Trials of older code stay in the store, but two versions of one method are not two measurements of it. An
        interrupted trial says nothing and replaces nothing.
        """
        order = np.lexsort((self.started_at, self.is_counted, self.repeat, self.cell, self.group))
        place = np.stack([self.group, self.cell, self.repeat])[:, order]
        is_last = np.append((place[:, 1:] != place[:, :-1]).any(axis=0), True)[: len(order)]
        return order[is_last]

    def take(self, rows: NDArray[np.int64]) -> TrialTable:
        """The table of these rows, in their order, with the same groups."""
        columns = [field.name for field in fields(self) if field.name != "groups"]
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})


def trial_table(columns: Columns) -> TrialTable:
    """The table of columns that are named like the fields of `TrialFigures`, words as words, with `scored_seconds` and
    `lost_seconds` for the ledger.
    """
    words = [_numbered(columns[name]) for name in Group._fields]
    combined = numbered(*(codes for codes, _ in words))
    first = np.unique(combined, return_index=True)[1]
    found = [Group(*(names[codes[row]] for codes, names in words)) for row in first]
    order = sorted(range(len(found)), key=found.__getitem__)
    rank = np.empty(len(found), dtype=np.int64)
    rank[order] = np.arange(len(found))
    same: dict[str, Any] = {name: columns[name] for name in _SAME}
    figures: dict[str, Any] = {name: columns[name].astype(np.float64) for name in FIGURES}
    return TrialTable(
        groups=[found[index] for index in order],
        group=rank[combined],
        cell=numbered(columns["split"], columns["seed"]),
        status=_index(columns["status"], STATUSES),
        trust=_index(columns["trust"], WEAKEST_FIRST),
        **same,
        **figures,
    )


def columns_of(trials: Iterable[TrialFigures]) -> dict[str, NDArray[Any]]:
    """The columns of records, see `trial_table`; what a trial that was killed lost is in its documents, else 0."""
    records = list(trials)
    words = (*Group._fields, "trial_id", "session_id", "preset", "status", "trust")
    moments = [trial.started_at.astimezone(UTC).replace(tzinfo=None) for trial in records]
    return {
        **{name: _objects([getattr(trial, name) for trial in records]) for name in words},
        **{
            name: np.array([getattr(trial, name) for trial in records], dtype=np.int64)
            for name in ("split", "seed", "repeat")
        },
        **{name: _floats([getattr(trial, name) for trial in records]) for name in FIGURES if name != "scored_seconds"},
        "started_at": np.array(moments, dtype="datetime64[us]"),
        "scored_seconds": _floats([None if trial.ledger is None else trial.ledger.scored for trial in records]),
        "lost_seconds": _floats([_lost_seconds(trial) for trial in records]),
    }


def declared_targets(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The target by protocol, where its settings declare one."""
    found = {protocol: declared.get("target") for protocol, declared in settings.items()}
    return {
        protocol: float(target)
        for protocol, target in found.items()
        if isinstance(target, int | float) and not isinstance(target, bool)
    }


def parsed_seconds(value: object) -> float:
    """A number of seconds, or its spelling, from a free document; 0 for anything else."""
    try:
        seconds = float(str(value))
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < np.inf else 0.0


def numbered(*columns: ArrayLike) -> NDArray[np.int64]:
    """One number a row from 0 on, equal for rows that agree in all columns (rows,) and ascending in their order."""
    codes = np.zeros(len(np.asarray(columns[0])), dtype=np.int64)
    for column in columns:
        values, inverse = np.unique(np.asarray(column), return_inverse=True)
        codes = np.unique(codes * max(len(values), 1) + inverse, return_inverse=True)[1]
    return codes


def _lost_seconds(trial: TrialFigures) -> float:
    if isinstance(trial, TrialRecord) and trial.ledger is None:
        return parsed_seconds(trial.environment.get("wall_seconds"))
    return 0.0


def _numbered(words: NDArray[np.object_]) -> tuple[NDArray[np.int64], list[Any]]:
    # sorting words is slower than looking them up
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return np.fromiter(map(numbers.__getitem__, words), np.int64, len(words)), list(numbers)


def _index(words: NDArray[np.object_], known: Sequence[str]) -> NDArray[np.int64]:
    place = {str(word): index for index, word in enumerate(known)}
    return np.fromiter(map(place.__getitem__, words), np.int64, len(words))


def _objects(values: list[Any]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _floats(values: list[Any]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

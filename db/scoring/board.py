"""The board: one row a (dataset, method, protocol, device, machine), a pure function of stored rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from db.errors import StoreError
from db.records import DatasetRecord, MethodRecord, TrialFigures, TrialRecord
from db.scoring.board_columns import board_columns
from db.scoring.censoring import CurveEvaluations, Evaluations
from db.scoring.comparison import Reached, Sides, beside, compare_rows, reach, targets_of
from db.scoring.curve import Curve
from db.scoring.equivalence import MARGIN
from db.scoring.trial_table import Group, TrialTable, columns_of, declared_targets, trial_table

Figures = TypeVar("Figures", bound=TrialFigures)

_PARTS = ("backbone", "strategy", "rescaler", "quantizer", "track", "reference")


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One row. Metrics are fractions, times seconds, memory bytes, energy joules.

    A figure that cannot be had is None.
    """

    dataset: str
    dataset_version: str
    method: str
    backbone: str
    strategy: str
    rescaler: str | None
    quantizer: str | None
    track: str
    reference: str
    preset: str | None
    """None also when the trials come from several presets."""
    protocol: str
    device: str
    machine_id: str
    metric: str
    """The name of the test metric, for example `accuracy`."""
    mean: float | None
    """Mean test metric over (split, seed), repeats averaged first; the ends are its 95 % t interval."""
    ci_low: float | None
    ci_high: float | None
    n: int
    """How many (split, seed) have a metric."""
    time_ratio: float | None
    time_ratio_low: float | None
    time_ratio_high: float | None
    memory_ratio: float | None
    memory_ratio_low: float | None
    memory_ratio_high: float | None
    paired: int
    """How many of them are (split, seed) of the reference too, and so behind the ratios and the difference."""
    interleaved: bool | None
    """Whether every pair behind the ratios ran in one session; where not, the machine may have changed between them."""
    target: float | None
    """The validation metric whose first reach is timed, see `db.scoring.censoring`."""
    target_ratio: float | None
    target_ratio_low: float | None
    target_ratio_high: float | None
    energy_ratio: float | None
    energy_ratio_low: float | None
    energy_ratio_high: float | None
    inference_ratio: float | None
    """Of the seconds of one prediction on the whole graph."""
    inference_ratio_low: float | None
    inference_ratio_high: float | None
    size_ratio: float | None
    """Of the bytes of the model that predicts."""
    size_ratio_low: float | None
    size_ratio_high: float | None
    success_rate: float | None
    scored_seconds: float | None
    peak_memory_bytes: int | None
    energy_joules: float | None
    inference_seconds: float | None
    model_bytes: int | None
    difference: float | None
    """Mean paired difference of the metric to the reference, with its 95 % interval."""
    difference_low: float | None
    difference_high: float | None
    p_value: float | None
    """Of the difference, by exact sign flips, adjusted by Holm over the candidates of the dataset."""
    equivalent: bool | None
    """Whether a test of equivalence claims the metric of the reference, within the declared margin."""
    pareto: bool
    """Whether no row of the dataset, protocol, device and machine has a metric as good at no more time and memory."""
    pareto_probability: float | None
    """How often that is so when the (split, seed) are resampled; None for fewer than two of them."""
    provisional: bool
    status: str
    """`ranked`, `provisional` (fewer than ten splits or seeds) or `failed` (none has a metric)."""
    failures: dict[str, int]
    """How many trials ended as each status other than finished."""
    trust: str
    """The weakest of the trials behind the row, those of its reference included."""
    measured_at: datetime
    """When the newest trial started."""

    @property
    def is_partly_paired(self) -> bool:
        """Whether the ratios and the difference are of fewer (split, seed) than the mean."""
        return 0 < self.paired < self.n


def board(
    trials: Iterable[TrialRecord],
    curves: Mapping[str, Curve],
    methods: Iterable[MethodRecord],
    datasets: Iterable[DatasetRecord],
    margin: float = MARGIN,
) -> list[BoardRow]:
    """Score trials into rows, by dataset and then from the best mean to the worst.

    Args:
        trials: all trials of the candidates and of their references; curves and predictions in them are not used.
        curves: evaluations by trial_id; a trial without a curve counts as one that missed the target.
        methods, datasets: at least those of the trials.
        margin: difference of the metric within which two methods count as equivalent.

    Raises:
        StoreError: the method or dataset of a trial is unknown.
    """
    records = list(trials)
    declared = declared_targets({trial.protocol: trial.protocol_settings for trial in records})
    table = trial_table(columns_of(records))
    return score(gather(table, declared, CurveEvaluations(curves), methods, datasets), margin)


@dataclass(frozen=True, eq=False)
class Gathered:
    """All that a board is computed from, so that a store can be closed before anything is computed."""

    groups: Sequence[Group]
    methods: Sequence[MethodRecord]
    """(groups,)"""
    metrics: Sequence[str]
    """(groups,)"""
    sides: Sides
    targets: NDArray[np.float64]
    """(groups,)"""
    reached: Reached


def gather(
    trials: TrialTable,
    declared: Mapping[str, float],
    evaluations: Evaluations,
    methods: Iterable[MethodRecord],
    datasets: Iterable[DatasetRecord],
) -> Gathered:
    """What there is to know of these trials.

    Args:
        trials: all, or the newest of each group and cell and what these can stand beside.
        declared: the targets that protocols declare.
        evaluations: of all trials.

    Raises:
        StoreError: the method or dataset of a trial is unknown.
    """
    known_methods = {method.name: method for method in methods}
    known_datasets = {(dataset.name, dataset.version): dataset for dataset in datasets}
    groups = trials.groups
    reference = references(groups, known_methods.values())
    own_methods = [known_methods[group.method] for group in groups]
    metrics = [_known(known_datasets, group[:2], "dataset").metric for group in groups]
    sides = beside(trials, reference)
    targets = _targets(sides, reference, declared, evaluations)
    return Gathered(groups, own_methods, metrics, sides, targets, reach(sides, targets, evaluations))


def references(groups: Sequence[Group], methods: Iterable[MethodRecord]) -> NDArray[np.int64]:
    """The group (groups,) of each group's reference; -1 where nothing of the reference is there.

    Raises:
        StoreError: the method of a group is unknown.
    """
    known = {method.name: method for method in methods}
    place = {group: index for index, group in enumerate(groups)}
    wanted = (group._replace(method=_known(known, group.method, "method").reference) for group in groups)
    return np.array([place.get(group, -1) for group in wanted], dtype=np.int64)


def score(gathered: Gathered, margin: float = MARGIN) -> list[BoardRow]:
    """The rows of a board, see `board`."""
    comparisons = compare_rows(gathered.sides, gathered.targets, gathered.reached, margin)
    columns = {"metric": gathered.metrics, **board_columns(gathered.sides, comparisons)}
    rows = [
        BoardRow(
            **group._asdict(),
            **{part: getattr(method, part) for part in _PARTS},
            **dict(zip(columns, cells, strict=True)),
        )
        for group, method, cells in zip(
            gathered.groups, gathered.methods, zip(*columns.values(), strict=True), strict=True
        )
    ]
    return sorted(
        rows,
        key=lambda row: (
            row.dataset,
            row.dataset_version,
            math.inf if row.mean is None else -row.mean,
            row.method,
        ),
    )


def newest(trials: Iterable[Figures]) -> list[Figures]:
    """The newest trial of each place, method, split, seed and repeat, see `TrialTable.newest`."""
    records = list(trials)
    return [records[row] for row in trial_table(columns_of(records)).newest()]


def as_json(rows: Iterable[BoardRow]) -> list[dict[str, Any]]:
    """Plain dictionaries with the fields of `BoardRow` as keys.

    A number that JSON cannot say becomes None, and a moment is written as ISO 8601 has it.
    """
    return [{key: _sayable(value) for key, value in asdict(row).items()} for row in rows]


def _targets(
    sides: Sides, reference: NDArray[np.int64], declared: Mapping[str, float], evaluations: Evaluations
) -> NDArray[np.float64]:
    groups = sides.table.groups
    is_reference = np.zeros(len(groups) + 1, dtype=bool)
    is_reference[reference] = True  # the last place takes the groups that have none
    # what a protocol declares needs no look at the curves
    is_reference[:-1] &= np.array([group.protocol not in declared for group in groups], dtype=bool)
    is_reference[-1] = False
    owner = np.where(is_reference[sides.owner], sides.owner, -1)
    by_rule = np.append(targets_of(sides.table, owner, len(groups), evaluations), np.nan)
    targets = [declared.get(group.protocol, by_rule[index]) for group, index in zip(groups, reference, strict=True)]
    return np.array(targets, dtype=np.float64)


def _known(records: Mapping[Any, Any], key: Any, kind: str) -> Any:
    if key not in records:
        raise StoreError(f"a trial names the {kind} '{key}', which is not among the given {kind}s; read them together")
    return records[key]


def _sayable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""The board: one row a (dataset, method, protocol, device, machine), a pure function of stored rows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from db.errors import StoreError
from db.records import DatasetRecord, MethodRecord, Status, TrialRecord, Trust
from db.scoring.comparison import Comparison, compare, compare_with_itself
from db.scoring.curve import Curve
from db.scoring.equivalence import MARGIN
from db.scoring.intervals import Interval, mean_interval
from db.scoring.paired import cell_means, holm
from db.scoring.pareto import pareto_front

RANKED_FROM = 10
"""Splits or seeds that a ranked row needs; fewer is provisional."""

_WEAKEST_FIRST = (
    Trust.RETRACTED,
    Trust.DISPUTED,
    Trust.SELF_REPORTED,
    Trust.CHECKED,
    Trust.REPRODUCED,
    Trust.MEASURED_HERE,
)


@dataclass(frozen=True)
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
    interleaved: bool | None
    """Whether every pair behind the ratios ran in one session; where not, the machine may have changed between them."""
    target: float | None
    """The validation metric whose first reach is timed, see `db.scoring.censoring`."""
    target_ratio: float | None
    target_ratio_low: float | None
    target_ratio_high: float | None
    success_rate: float | None
    scored_seconds: float | None
    peak_memory_bytes: int | None
    energy_joules: float | None
    difference: float | None
    """Mean paired difference of the metric to the reference, with its 95 % interval."""
    difference_low: float | None
    difference_high: float | None
    p_value: float | None
    """Of the difference, by exact sign flips, adjusted by Holm over the candidates of the dataset."""
    equivalent: bool | None
    """Whether a test of equivalence claims the metric of the reference, within the declared margin."""
    pareto: bool
    """Whether no row of the dataset, protocol.

    Device and machine has a metric as good at no more time and memory.
    """
    provisional: bool
    status: str
    """`ranked`, `provisional` (fewer than ten splits or seeds) or `failed` (none has a metric)."""
    failures: dict[str, int]
    """How many trials ended as each status other than finished."""
    trust: str
    """The weakest of the trials behind the row, those of its reference included."""


class _Place(NamedTuple):
    dataset: str
    dataset_version: str
    protocol: str
    device: str
    machine_id: str


def board(
    trials: Iterable[TrialRecord],
    curves: Mapping[str, Curve],
    methods: Iterable[MethodRecord],
    datasets: Iterable[DatasetRecord],
    margin: float = MARGIN,
) -> list[BoardRow]:
    """Score trials into rows, by dataset and then from the best mean to the worst.

    Args:
        trials: all trials of the candidates and of their references; curves and predictions in them are not
        used. curves: evaluations by trial_id; a trial without a curve counts as one that missed the target.
        methods, datasets: at least those of the trials.
        margin: difference of the metric within which two methods count as equivalent.

    Raises:
        StoreError: the method or dataset of a trial is unknown.
    """
    known_methods = {method.name: method for method in methods}
    known_datasets = {(dataset.name, dataset.version): dataset for dataset in datasets}
    groups: dict[_Place, dict[str, list[TrialRecord]]] = defaultdict(lambda: defaultdict(list))
    for trial in newest(trials):
        groups[_place(trial)][trial.method].append(trial)
    rows = []
    for place, by_method in groups.items():
        dataset = _known(known_datasets, (place.dataset, place.dataset_version), "dataset")
        for name, own in by_method.items():
            method = _known(known_methods, name, "method")
            if method.reference == name:
                comparison = compare_with_itself(own, curves)
            else:
                comparison = compare(own, by_method.get(method.reference, []), curves, margin)
            rows.append(_row(place, method, dataset.metric, own, comparison))
    rows = _with_fronts(_with_holm(rows))
    return sorted(rows, key=lambda row: (row.dataset, row.dataset_version, -_or(row.mean, -math.inf), row.method))


def newest(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """The newest trial of each place, method, split, seed and repeat.

    Trials of older code stay in the store, but two versions of one method are not two measurements of it. An
    interrupted trial says nothing and replaces nothing.
    """
    latest: dict[tuple[Any, ...], TrialRecord] = {}
    for trial in sorted(trials, key=lambda trial: (trial.status is not Status.INTERRUPTED, trial.started_at)):
        latest[(_place(trial), trial.method, trial.split, trial.seed, trial.repeat)] = trial
    return list(latest.values())


def as_json(rows: Iterable[BoardRow]) -> list[dict[str, Any]]:
    """Plain dictionaries with the fields of `BoardRow` as keys.

    A number that JSON cannot say becomes None.
    """
    return [{key: _sayable(value) for key, value in asdict(row).items()} for row in rows]


def _row(
    place: _Place, method: MethodRecord, metric: str, own: Sequence[TrialRecord], comparison: Comparison
) -> BoardRow:
    finished = [trial for trial in own if trial.status.has_metric and trial.test_metric is not None]
    metrics = cell_means(finished, [_or(trial.test_metric, math.nan) for trial in finished])
    mean, low, high = mean_interval(metrics) if finished else (None, None, None)
    presets = {trial.preset for trial in own}
    behind = [*own, *(pair.reference for pair in comparison.pairs)]
    memory = _mean(finished, lambda trial: trial.peak_memory_bytes)
    return BoardRow(
        **place._asdict(),
        **{
            part: getattr(method, part)
            for part in ("backbone", "strategy", "rescaler", "quantizer", "track", "reference")
        },
        method=method.name,
        preset=presets.pop() if len(presets) == 1 else None,
        metric=metric,
        mean=mean,
        ci_low=low,
        ci_high=high,
        n=len(metrics),
        **_spread("time_ratio", comparison.time_ratio),
        **_spread("memory_ratio", comparison.memory_ratio),
        **_spread("target_ratio", comparison.target_ratio),
        **_spread("difference", comparison.difference),
        interleaved=comparison.interleaved,
        target=comparison.target,
        success_rate=comparison.success_rate,
        scored_seconds=_mean(finished, lambda trial: None if trial.ledger is None else trial.ledger.scored),
        peak_memory_bytes=None if memory is None else round(memory),
        energy_joules=_mean(finished, lambda trial: trial.energy_joules),
        p_value=comparison.p_value,
        equivalent=comparison.equivalent,
        pareto=False,
        provisional=len(metrics) < RANKED_FROM,
        status="failed" if not finished else "provisional" if len(metrics) < RANKED_FROM else "ranked",
        failures=dict(sorted(Counter(t.status.value for t in own if t.status is not Status.FINISHED).items())),
        trust=min((trial.trust for trial in behind), key=_WEAKEST_FIRST.index).value,
    )


def _with_holm(rows: Sequence[BoardRow]) -> list[BoardRow]:
    families: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        families[row.dataset].append(index)
    adjusted = list(rows)
    for members in families.values():
        for index, p_value in zip(members, holm([rows[member].p_value for member in members]), strict=True):
            adjusted[index] = replace(rows[index], p_value=p_value)
    return adjusted


def _with_fronts(rows: Sequence[BoardRow]) -> list[BoardRow]:
    groups: dict[_Place, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.mean is not None:
            groups[_place(row)].append(index)
    marked = list(rows)
    for members in groups.values():
        axes = [[_or(figure, math.nan) for figure in _axes(rows[member])] for member in members]
        for index, on_front in zip(members, pareto_front(axes, (True, False, False)), strict=True):
            marked[index] = replace(rows[index], pareto=bool(on_front))
    return marked


def _axes(row: BoardRow) -> tuple[float | None, float | None, float | None]:
    return row.mean, row.scored_seconds, row.peak_memory_bytes


def _place(item: TrialRecord | BoardRow) -> _Place:
    return _Place(item.dataset, item.dataset_version, item.protocol, item.device, item.machine_id)


def _known(records: Mapping[Any, Any], key: Any, kind: str) -> Any:
    if key not in records:
        raise StoreError(f"a trial names the {kind} '{key}', which is not among the given {kind}s; read them together")
    return records[key]


def _mean(trials: Sequence[TrialRecord], figure: Callable[[TrialRecord], float | None]) -> float | None:
    measured = [trial for trial in trials if figure(trial) is not None]
    return float(np.mean(cell_means(measured, [_or(figure(t), 0.0) for t in measured]))) if measured else None


def _spread(name: str, interval: Interval | None) -> dict[str, Any]:
    value, low, high = interval or (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _sayable(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value

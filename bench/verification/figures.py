"""Every figure of the board, from trials, curves, methods and datasets, as docs/reading-numbers.md defines them."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from scipy import stats

from bench.verification.resampling import Ends, front_probabilities, ratio_of_means, sign_flips
from db.records import DatasetRecord, MethodRecord, Status, TrialRecord
from db.scoring.curve import Curve

MARGIN = 0.005
RANKED_FROM = 10
SHARE_OF_BEST = 0.99
TRUST = ("retracted", "disputed", "self_reported", "checked", "reproduced", "measured_here")

_NOTHING = (None, None, None)
_RATIOS: Mapping[str, Callable[[TrialRecord], float | None]] = {
    "time_ratio": lambda trial: _scored(trial),
    "memory_ratio": lambda trial: trial.peak_memory_bytes,
    "energy_ratio": lambda trial: trial.energy_joules,
    "inference_ratio": lambda trial: trial.inference_seconds,
    "size_ratio": lambda trial: trial.model_bytes,
}

Row = dict[str, Any]
Cell = tuple[int, int, int]
"""Split, seed and repeat."""


class Key(NamedTuple):
    """What the trials behind one row share."""

    dataset: str
    dataset_version: str
    protocol: str
    device: str
    machine_id: str
    method: str


class _Beside(NamedTuple):
    """The trials of a reference at one place."""

    newest: list[TrialRecord]
    """Of each cell."""
    every: list[TrialRecord]

    def pairs(
        self, candidates: Iterable[TrialRecord], is_fit: Callable[[TrialRecord], bool]
    ) -> list[tuple[TrialRecord, TrialRecord]]:
        """Each candidate with one of its cell: of its session if there is one, else the nearest in time."""
        found = []
        for trial in filter(is_fit, candidates):
            beside = [other for other in self.every if is_fit(other) and _cell(other) == _cell(trial)]
            together = [other for other in beside if other.session_id == trial.session_id]
            if beside:
                found.append((trial, min(together or beside, key=lambda other: _gap(trial, other))))
        return found


def key_of(item: Any) -> Key:
    """The key of a trial or a row of the board."""
    return Key(*(getattr(item, name) for name in Key._fields))


def all_rows(
    trials: Sequence[TrialRecord],
    curves: Mapping[str, Curve],
    methods: Sequence[MethodRecord],
    datasets: Sequence[DatasetRecord],
) -> dict[Key, Row]:
    """All rows of the board with all fields but `pareto`, which `on_front` tells from a row's other figures."""
    groups: dict[Key, dict[Cell, TrialRecord]] = defaultdict(dict)
    every: dict[Key, list[TrialRecord]] = defaultdict(list)
    for trial in sorted(trials, key=lambda trial: (trial.status is not Status.INTERRUPTED, trial.started_at)):
        groups[key_of(trial)][_cell(trial)] = trial
        every[key_of(trial)].append(trial)
    of_method = {method.name: method for method in methods}
    metrics = {(dataset.name, dataset.version): dataset.metric for dataset in datasets}
    found = {}
    for key, own in groups.items():
        method = of_method[key.method]
        of_reference = key._replace(method=method.reference)
        beside = _Beside(list(groups.get(of_reference, {}).values()), every.get(of_reference, []))
        metric = metrics[key.dataset, key.dataset_version]
        found[key] = {**_named(key, method, metric), **_row(own, beside, curves, method.reference == key.method)}
    _adjust_by_holm(found)
    _add_front_probabilities(found, groups)
    return found


def on_front(row: Any, others: Sequence[Any]) -> bool:
    """Whether no other row of one place is at least as good in metric, seconds and bytes, and better in one."""
    if row.mean is None:
        return False
    own = _costs(row)
    return not any(
        all(theirs <= mine for theirs, mine in zip(_costs(other), own, strict=True)) and _costs(other) != own
        for other in others
        if other.mean is not None
    )


def _costs(row: Any) -> tuple[float, ...]:
    worst = [math.inf if value is None else float(value) for value in (row.scored_seconds, row.peak_memory_bytes)]
    return (-row.mean, *worst)


def _named(key: Key, method: MethodRecord, metric: str) -> Row:
    parts = ("backbone", "strategy", "rescaler", "quantizer", "track", "reference")
    return {**key._asdict(), **{part: getattr(method, part) for part in parts}, "metric": metric}


def _row(
    own: Mapping[Cell, TrialRecord],
    beside: _Beside,
    curves: Mapping[str, Curve],
    is_reference: bool,
) -> Row:
    measured = beside.pairs(own.values(), _has_metric)
    finished = [trial for trial in own.values() if _has_metric(trial)]
    values = _by_cell([(trial, trial.test_metric) for trial in finished])
    differences = _by_cell([(a, a.test_metric - b.test_metric) for a, b in measured])  # type: ignore[operator]
    presets = {trial.preset for trial in own.values()}
    failures = Counter(trial.status.value for trial in own.values() if trial.status is not Status.FINISHED)
    row: Row = {
        "preset": presets.pop() if len(presets) == 1 else None,
        "n": len(values),
        "provisional": len(values) < RANKED_FROM,
        "status": "failed" if not values else "provisional" if len(values) < RANKED_FROM else "ranked",
        "failures": dict(sorted(failures.items())),
        "trust": min((each.trust.value for each in (*own.values(), *(b for _, b in measured))), key=TRUST.index),
        "measured_at": max(trial.started_at for trial in own.values()),
        "paired": len({_cell(a)[:2] for a, _ in measured}),
        "interleaved": all(a.session_id == b.session_id for a, b in measured) if measured else None,
        "p_value": None if is_reference else sign_flips(differences),
        "equivalent": None if is_reference else _equivalent(differences),
        **_spread("mean", "ci_low", "ci_high", _t_interval(values)),
        **_means(finished),
        **_to_target(own, beside, bool(measured), curves, is_reference),
    }
    difference = (0.0, 0.0, 0.0) if is_reference and measured else _t_interval(differences)
    row |= _named_spread("difference", difference)
    for name, figure in _RATIOS.items():
        row |= _named_spread(name, _ratio(measured, figure, name, is_reference))
    return row


def _means(finished: Sequence[TrialRecord]) -> Row:
    row: Row = {}
    for name in ("energy_joules", "inference_seconds", "peak_memory_bytes", "model_bytes"):
        known = [(trial, getattr(trial, name)) for trial in finished if getattr(trial, name) is not None]
        row[name] = statistics.fmean(_by_cell(known)) if known else None
    seconds = [(trial, _scored(trial)) for trial in finished if trial.ledger is not None]
    row["scored_seconds"] = statistics.fmean(_by_cell(seconds)) if seconds else None
    for name in ("peak_memory_bytes", "model_bytes"):
        row[name] = None if row[name] is None else round(row[name])
    return row


def _ratio(
    pairs: Sequence[tuple[TrialRecord, TrialRecord]],
    figure: Callable[[TrialRecord], float | None],
    name: str,
    is_reference: bool,
) -> Ends | tuple[None, None, None]:
    usable = [(a, math.log(above) - math.log(below)) for a, b in pairs if (above := figure(a)) and (below := figure(b))]
    if is_reference and (usable or (name == "time_ratio" and pairs)):
        return 1.0, 1.0, 1.0
    ends = _t_interval(_by_cell(usable))
    return tuple(None if end is None else math.exp(end) for end in ends)  # type: ignore[return-value]


def _to_target(
    own: Mapping[Cell, TrialRecord],
    beside: _Beside,
    is_measured: bool,
    curves: Mapping[str, Curve],
    is_reference: bool,
) -> Row:
    target = _target([*own.values(), *beside.newest], beside.newest, curves)
    counted = [trial for trial in own.values() if _counts(trial)]
    times = {trial.trial_id: _reach(curves.get(trial.trial_id), target) for trial in (*counted, *beside.every)}
    hits = sum(times[trial.trial_id] is not None for trial in counted)
    rate = None if target is None or not counted else hits / len(counted)
    row: Row = {"target": target, "success_rate": rate, **_named_spread("target_ratio", _NOTHING)}
    if is_reference:
        return row | (_named_spread("target_ratio", (1.0, 1.0, 1.0)) if is_measured and rate else {})
    both = beside.pairs(own.values(), _counts)
    sides = [[times[trial.trial_id] for trial in side] for side in zip(*both, strict=True)]
    if not is_measured or not sides or any(all(time is None for time in side) for side in sides):
        return row
    horizon = max(_spent(trial, curves) for pair in both for trial in pair)
    restricted = [
        _by_cell(
            [(a, horizon if time is None else min(time, horizon)) for (a, _), time in zip(both, side, strict=True)]
        )
        for side in sides
    ]
    if min(restricted[1]) > 0:
        row |= _named_spread("target_ratio", ratio_of_means(*restricted))
    return row


def _target(
    trials: Sequence[TrialRecord], references: Sequence[TrialRecord], curves: Mapping[str, Curve]
) -> float | None:
    for trial in trials:
        declared = trial.protocol_settings.get("target")
        if isinstance(declared, int | float) and not isinstance(declared, bool):
            return float(declared)
    best = []
    for trial in references:
        curve = curves.get(trial.trial_id)
        if _has_metric(trial) and curve is not None:
            finite = [value for value in curve.validation_metric.tolist() if math.isfinite(value)]
            best += [max(finite)] if finite else []
    return SHARE_OF_BEST * statistics.median(best) if best else None


def _reach(curve: Curve | None, target: float | None) -> float | None:
    if curve is None or target is None:
        return None
    points = zip(curve.scored_seconds.tolist(), curve.validation_metric.tolist(), strict=True)
    return min((seconds for seconds, metric in points if metric >= target), default=None)


def _spent(trial: TrialRecord, curves: Mapping[str, Curve]) -> float:
    curve = curves.get(trial.trial_id)
    last = max(curve.scored_seconds.tolist(), default=0.0) if curve is not None else 0.0
    booked = _scored(trial)
    return max(last, float(trial.environment.get("wall_seconds", 0.0)) if booked is None else booked)


def _equivalent(differences: Sequence[float]) -> bool | None:
    if len(differences) < 2:
        return None
    mean = statistics.fmean(differences)
    if max(differences) == min(differences):
        return abs(mean) < MARGIN
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return bool(stats.t.cdf((abs(mean) - MARGIN) / error, len(differences) - 1) < 0.05)


def _adjust_by_holm(rows: Mapping[Key, Row]) -> None:
    """By dataset: the smallest p-value times the number of them, the next times one less, never falling."""
    for dataset in {key.dataset for key in rows}:
        family = sorted(
            (row for key, row in rows.items() if key.dataset == dataset and row["p_value"] is not None),
            key=lambda row: row["p_value"],
        )
        largest = 0.0
        for rank, row in enumerate(family):
            largest = max(largest, min(1.0, (len(family) - rank) * row["p_value"]))
            row["p_value"] = largest


def _add_front_probabilities(rows: Mapping[Key, Row], groups: Mapping[Key, Mapping[Cell, TrialRecord]]) -> None:
    for place in {key[:-1] for key in rows}:
        members = sorted(key for key in rows if key[:-1] == place)
        own = [[trial for trial in groups[key].values() if _has_metric(trial)] for key in members]
        cells = sorted({(trial.split, trial.seed) for trials in own for trial in trials})
        figures = [[_figures_in(trials, cell) for cell in cells] for trials in own]
        chances = front_probabilities(figures) if cells else [None] * len(members)
        for key, chance in zip(members, chances, strict=True):
            rows[key]["pareto_probability"] = chance


def _figures_in(trials: Sequence[TrialRecord], cell: tuple[int, int]) -> tuple[float | None, ...]:
    here = [trial for trial in trials if (trial.split, trial.seed) == cell]
    figures = (lambda trial: trial.test_metric, _scored, lambda trial: trial.peak_memory_bytes)
    known = [[value for trial in here if (value := figure(trial)) is not None] for figure in figures]
    return tuple(sum(values) / len(values) if values else None for values in known)


def _by_cell(values: Sequence[tuple[TrialRecord, Any]]) -> list[float]:
    """The mean of each (split, seed), in their order."""
    cells: dict[tuple[int, int], list[float]] = defaultdict(list)
    for trial, value in values:
        cells[trial.split, trial.seed].append(value)
    return [statistics.fmean(cells[cell]) for cell in sorted(cells)]


def _t_interval(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    if not values:
        return _NOTHING
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, None, None
    half = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def _named_spread(name: str, ends: Sequence[float | None]) -> Row:
    return _spread(name, f"{name}_low", f"{name}_high", ends)


def _spread(value: str, low: str, high: str, ends: Sequence[float | None]) -> Row:
    return dict(zip((value, low, high), ends, strict=True))


def _cell(trial: TrialRecord) -> Cell:
    return trial.split, trial.seed, trial.repeat


def _gap(trial: TrialRecord, other: TrialRecord) -> tuple[timedelta, str]:
    return abs(trial.started_at - other.started_at), other.trial_id


def _counts(trial: TrialRecord) -> bool:
    return trial.status is not Status.INTERRUPTED


def _has_metric(trial: TrialRecord) -> bool:
    return trial.status.has_metric and trial.test_metric is not None


def _scored(trial: TrialRecord) -> float | None:
    """Preprocessing, compiling and training; None without a ledger."""
    return None if trial.ledger is None else trial.ledger.preprocess + trial.ledger.compile + trial.ledger.train

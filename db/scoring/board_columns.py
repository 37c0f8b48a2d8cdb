"""The figures of the board as columns, one entry a group of trials; None where one cannot be had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.records import Status
from db.scoring.comparison import Comparisons, Sides
from db.scoring.intervals import Intervals, mean_intervals
from db.scoring.paired import holm
from db.scoring.pareto import front_probability, pareto_front
from db.scoring.samples import Samples, cell_samples
from db.scoring.trial_table import STATUSES, WEAKEST_FIRST, TrialTable

RANKED_FROM = 10
"""Splits or seeds that a ranked row needs; fewer is provisional."""

_RATIOS = ("time_ratio", "memory_ratio", "target_ratio", "energy_ratio", "inference_ratio", "size_ratio")
_WHOLE = ("peak_memory_bytes", "model_bytes")
_MEANS = ("scored_seconds", "energy_joules", "inference_seconds", *_WHOLE)
_AXES = ("test_metric", "scored_seconds", "peak_memory_bytes")
_MAXIMIZE = (True, False, False)

Columns = dict[str, list[Any]]


def board_columns(sides: Sides, comparisons: Comparisons) -> Columns:
    """The fields of `BoardRow` that are computed from trials, by name."""
    table = sides.table.take(np.flatnonzero(sides.owner >= 0))
    metric = _cells(table, table.test_metric)
    means = {name: mean_intervals(_cells(table, getattr(table, name))).value for name in _MEANS}
    means |= {name: np.round(means[name]) for name in _WHOLE}
    spreads = {name: getattr(comparisons, name) for name in (*_RATIOS, "difference")}
    return {
        "preset": _presets(table),
        **_spread(mean_intervals(metric), "mean", "ci_low", "ci_high"),
        **{end: values for name, found in spreads.items() for end, values in _ends(found, name).items()},
        **{name: _listed(getattr(comparisons, name)) for name in ("target", "success_rate")},
        **{name: _flags(getattr(comparisons, name)) for name in ("interleaved", "equivalent")},
        **{name: _listed(mean, whole=name in _WHOLE) for name, mean in means.items()},
        "p_value": _adjusted(table, _listed(comparisons.p_value)),
        **_counted(metric.counts.tolist()),
        "paired": comparisons.paired.tolist(),
        **_fronts(table, np.stack([mean_intervals(metric).value, *(means[axis] for axis in _AXES[1:])], axis=1)),
        "failures": _failures(table),
        "trust": _trust(table, sides),
        "measured_at": _measured_at(table),
    }


def _cells(table: TrialTable, figure: NDArray[np.float64]) -> Samples:
    """The figure of each group by (split, seed), of trials with a metric."""
    values = np.where(table.has_metric, figure, np.nan)
    return cell_samples(table.group, table.cell, values, len(table.groups))


def _counted(counts: Sequence[int]) -> Columns:
    words = ["failed" if not count else "provisional" if count < RANKED_FROM else "ranked" for count in counts]
    return {"n": list(counts), "provisional": [count < RANKED_FROM for count in counts], "status": words}


def _adjusted(table: TrialTable, p_values: list[float | None]) -> list[float | None]:
    """By Holm over the candidates of each dataset."""
    families: dict[str, list[int]] = {}
    for index, group in enumerate(table.groups):
        families.setdefault(group.dataset, []).append(index)
    adjusted = list(p_values)
    for members in families.values():
        for index, p_value in zip(members, holm([p_values[member] for member in members]), strict=True):
            adjusted[index] = p_value
    return adjusted


def _fronts(table: TrialTable, means: NDArray[np.float64]) -> Columns:
    """Who is on the front of its place, and how surely; `means` (groups, axes) has NaN where there is none."""
    is_on = np.zeros(len(means), dtype=bool)
    probability = np.full(len(means), np.nan)
    measured = np.flatnonzero(table.has_metric)
    group, cell, figures = _by_cell(table, measured)
    # groups are sorted, so that those of one place lie together, and so do their cells
    places = np.cumsum([0] + [one[:-1] != other[:-1] for one, other in pairwise(table.groups)])[: len(means)]
    for place in np.unique(places):
        members = np.flatnonzero(places == place)
        own = slice(*np.searchsorted(group, (members[0], members[-1] + 1)))
        cells, column = np.unique(cell[own], return_inverse=True)
        grid = np.full((len(members), len(cells), len(_AXES)), np.nan)
        grid[group[own] - members[0], column] = figures[own]
        probability[members] = front_probability(grid, _MAXIMIZE)
        members = members[~np.isnan(means[members, 0])]
        is_on[members] = pareto_front(means[members], _MAXIMIZE)
    return {"pareto": is_on.tolist(), "pareto_probability": _listed(probability)}


def _by_cell(
    table: TrialTable, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Group, cell and the mean figures (pairs, axes) of each pair of both that these rows have, in their order."""
    width = int(table.cell.max(initial=0)) + 1
    keys, pair = np.unique(table.group[rows] * width + table.cell[rows], return_inverse=True)
    figures = np.full((len(keys), len(_AXES)), np.nan)
    for axis, name in enumerate(_AXES):
        values = getattr(table, name)[rows]
        found = cell_samples(pair, np.zeros_like(pair), values, len(keys))
        figures[found.counts > 0, axis] = found.values
    return keys // width, keys % width, figures


def _presets(table: TrialTable) -> list[str | None]:
    """The preset of each group whose trials agree on one."""
    found: list[set[str | None]] = [set() for _ in table.groups]
    for group, preset in zip(table.group.tolist(), table.preset, strict=True):
        found[group].add(preset)
    return [next(iter(presets)) if len(presets) == 1 else None for presets in found]


def _failures(table: TrialTable) -> list[dict[str, int]]:
    """How many trials of each group ended as each status other than finished."""
    size = len(STATUSES)
    counts = np.bincount(table.group * size + table.status, minlength=len(table.groups) * size).reshape(-1, size)
    failed = sorted((status.value, index) for index, status in enumerate(STATUSES) if status is not Status.FINISHED)
    return [{word: line[index] for word, index in failed if line[index]} for line in counts.tolist()]


def _trust(table: TrialTable, sides: Sides) -> list[str]:
    """The weakest trust of each group's trials, and of the references they stand beside."""
    weakest = np.full(sides.owners, len(WEAKEST_FIRST) - 1)
    np.minimum.at(weakest, table.group, table.trust)
    np.minimum.at(weakest, sides.measured.owner, sides.table.trust[sides.measured.reference])
    return [WEAKEST_FIRST[index].value for index in weakest]


def _measured_at(table: TrialTable) -> list[datetime]:
    newest = np.full(len(table.groups), np.datetime64(0, "us"))
    np.maximum.at(newest, table.group, table.started_at)
    return [moment.replace(tzinfo=UTC) for moment in newest.tolist()]


def _spread(found: Intervals, *names: str) -> Columns:
    return {name: _listed(column) for name, column in zip(names, found, strict=True)}


def _ends(found: Intervals, name: str) -> Columns:
    return _spread(found, name, f"{name}_low", f"{name}_high")


def _flags(column: NDArray[np.float64]) -> list[bool | None]:
    return [None if value is None else value == 1 for value in _listed(column)]


def _listed(column: NDArray[np.float64], whole: bool = False) -> list[Any]:
    values = column.tolist()
    return [None if value != value else int(value) if whole else value for value in values]

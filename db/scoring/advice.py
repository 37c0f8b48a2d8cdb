"""Which method for a graph that was never measured: the nearest graphs that were, and what was best on them.

Three steps, each a formula that the dashboard prints. `neighbours`: how far a graph is from the measured ones.
`memory_bounds`: what can be said of a method's peak memory on it. `rank`: the methods by what their reader cares for.
None looks at who else is ranked, so that an entrant cannot reorder the others.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from db.records import DatasetRecord
from db.scoring.board import BoardRow

LEAST_SPREAD = dict.fromkeys(("nodes", "degree", "features", "classes"), math.log(2)) | {"homophily": 0.1}
"""Of a property over the measured graphs, so that where these are all alike a graph twice as large is not far away."""

FAR = 1.0
"""Distance from which the nearest graph is called far: one standard deviation of the measured graphs."""

NEAREST = 3
"""Graphs that are looked at."""

QUANTITIES = ("accuracy", "time", "memory", "energy")
"""What a reader can care for."""

_SMALLEST_EXPONENT = -700.0


@dataclass(frozen=True)
class Graph:
    """What is known of a graph; None is not given. The fields are those of `db.records.DatasetRecord`."""

    nodes: int | None = None
    edges: int | None = None
    """CSR entries: an undirected edge counts twice."""
    features: int | None = None
    classes: int | None = None
    edge_homophily: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all that decides the size of a network's tensors is given."""
        return None not in (self.nodes, self.edges, self.features, self.classes)


class Neighbour(NamedTuple):
    """A measured graph and how far it is."""

    dataset: DatasetRecord
    distance: float
    """Root of the mean, over the given properties, of their squared differences in standard deviations."""
    weight: float
    """exp(-(distance^2 - smallest distance^2) / 2): 1 for the nearest."""


class Bounds(NamedTuple):
    """Bytes that a method's peak memory lies between; None is open."""

    low: float | None
    high: float | None


@dataclass(frozen=True)
class Choice:
    """One method."""

    method: str
    worth: float | None
    """Weighted mean of `gain` over the graphs it was measured on; None where a figure that counts was not measured."""
    rows: tuple[BoardRow, ...]
    """Its results on the graphs, nearest first, failures included."""
    missing: int
    """Graphs on which it was not run."""
    memory: Bounds
    fits: bool | None
    """Whether the bounds lie under the cap, or over it (False); None where they do not decide or there is no cap."""

    @property
    def failures(self) -> int:
        """Graphs on which no trial of it has a result."""
        return sum(row.status == "failed" for row in self.rows)


def neighbours(graph: Graph, datasets: Iterable[DatasetRecord]) -> list[Neighbour]:
    """The measured graphs, nearest first.

    Properties are the logarithms of nodes, average degree (entries / nodes), features and classes, and edge homophily,
    each divided by its standard deviation over `datasets`, `LEAST_SPREAD` at least. What `graph` does not give is left
    out. Sets of many graphs, and graphs that lack a given property, are no neighbours; without any property nothing is.
    """
    asked = _properties(graph)
    single = [dataset for dataset in datasets if dataset.level == "node"]
    known = [(dataset, own) for dataset in single if asked.keys() <= (own := _properties(dataset)).keys()]
    if not asked or not known:
        return []
    spread = {name: max(float(np.std([own[name] for _, own in known])), LEAST_SPREAD[name]) for name in asked}
    distances = [
        math.sqrt(float(np.mean([((own[name] - asked[name]) / spread[name]) ** 2 for name in asked])))
        for _, own in known
    ]
    nearest = min(distances)
    found = [
        # a weight of 0 would leave a method that ran only there without any
        Neighbour(dataset, distance, math.exp(max((nearest**2 - distance**2) / 2, _SMALLEST_EXPONENT)))
        for (dataset, _), distance in zip(known, distances, strict=True)
    ]
    return sorted(found, key=lambda neighbour: (neighbour.distance, neighbour.dataset.name, neighbour.dataset.version))


def one_protocol(rows: Iterable[BoardRow], near: Sequence[Neighbour]) -> list[list[BoardRow]]:
    """For each neighbour the rows of the protocol with most results there, because two protocols cannot be compared.

    Args:
        rows: of one device and machine.

    Returns:
        A list a neighbour, empty where no reference has a result to hold the others to.
    """
    groups: dict[tuple[str, str], dict[str, list[BoardRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[row.dataset, row.dataset_version][row.protocol].append(row)
    chosen = []
    for neighbour in near:
        protocols = groups.get((neighbour.dataset.name, neighbour.dataset.version), {})
        usable = [(protocol, own) for protocol, own in protocols.items() if baseline(own) is not None]
        best = max(usable, key=lambda item: (sum(row.mean is not None for row in item[1]), item[0]), default=("", []))
        chosen.append(best[1])
    return chosen


def baseline(rows: Sequence[BoardRow]) -> BoardRow | None:
    """The most accurate reference, full batch in FP32, of the rows of one graph and protocol."""
    references = [(row.mean, row.method, row) for row in rows if row.method == row.reference and row.mean is not None]
    return max(references, key=lambda item: item[:2])[2] if references else None


def gain(row: BoardRow, base: BoardRow, weights: Mapping[str, float]) -> float | None:
    """What a row is worth beside the baseline of its graph.

    The mean, weighted by `weights`, of percentage points of the metric and of halvings (binary logarithms of
    baseline / own) of scored time, peak memory and energy: with equal weights one point is worth half the time.

    Returns:
        None where a figure with a positive weight was not measured on either side.
    """
    gains = {name: _gain(name, row, base) for name, weight in weights.items() if weight > 0}
    if not gains or any(value is None for value in gains.values()):
        return None
    return float(np.average([value or 0.0 for value in gains.values()], weights=[weights[name] for name in gains]))


def measured_quantities(groups: Iterable[Sequence[BoardRow]]) -> set[str]:
    """The quantities of which some row beside a baseline has a figure; no other can have a weight."""
    return {
        name
        for rows in groups
        if (base := baseline(rows)) is not None
        for name in QUANTITIES
        if any(_gain(name, row, base) is not None for row in rows)
    }


def memory_bounds(graph: Graph, measured: Iterable[tuple[BoardRow, DatasetRecord]]) -> Bounds:
    """Between which bytes the peak memory of a method must lie on `graph`, by its own results on other graphs.

    Full-batch training keeps tensors whose sizes are proportional to nodes, entries, nodes x features, nodes x classes,
    features or classes, or fixed. A sum of such parts grows by no more than the part that grows most, and by no less
    than the one that grows least, of which a fixed part has the factor 1. Of any other way to train only this is
    assumed: a graph that is larger in none of these respects needs no more memory.

    Args:
        graph: bounds need all of nodes, edges, features and classes.
        measured: results of one method on one device and machine.
    """
    lows, highs = [0.0], [math.inf]
    for row, dataset in measured if graph.is_whole else ():
        if not row.peak_memory_bytes:
            continue
        factors = _factors(graph, dataset)
        is_proportional = row.strategy.partition("(")[0] == "full_batch"
        if is_proportional or min(factors) >= 1:
            lows.append(row.peak_memory_bytes * min(1.0, *factors))
        if is_proportional or max(factors) <= 1:
            highs.append(row.peak_memory_bytes * max(1.0, *factors))
    low, high = max(lows), min(highs)
    if low > high:
        # the assumption does not hold for this method, so nothing follows from it
        return Bounds(None, None)
    return Bounds(low or None, None if math.isinf(high) else high)


def rank(
    graph: Graph,
    near: Sequence[Neighbour],
    rows: Sequence[BoardRow],
    weights: Mapping[str, float],
    datasets: Iterable[DatasetRecord],
    cap_bytes: float | None = None,
) -> list[Choice]:
    """The methods measured on the neighbours, best first.

    Last come those that surely break the cap, before them those that failed on a neighbour, before these those that
    were not run on all of them: means over different graphs cannot be compared.

    Args:
        near: those of `neighbours` to look at.
        rows: of the board, of one device and machine; memory is bounded from all of them.
        weights: of `QUANTITIES`, not negative.
    """
    groups = one_protocol(rows, near)
    by_method: dict[str, list[tuple[float, BoardRow, BoardRow]]] = defaultdict(list)
    for neighbour, own in zip(near, groups, strict=True):
        base = baseline(own)
        for row in own:
            assert base is not None
            by_method[row.method].append((neighbour.weight, row, base))
    graphs = {(dataset.name, dataset.version): dataset for dataset in datasets}
    measured: dict[str, list[tuple[BoardRow, DatasetRecord]]] = defaultdict(list)
    for row in rows:
        dataset = graphs.get((row.dataset, row.dataset_version))
        if dataset is not None and dataset.level == "node":
            measured[row.method].append((row, dataset))
    looked_at = sum(bool(own) for own in groups)
    found = []
    for method, results in by_method.items():
        bounds = memory_bounds(graph, measured[method])
        fits = None if cap_bytes is None else _fits(bounds, cap_bytes)
        worth, missing = _worth(results, weights), looked_at - len(results)
        found.append(Choice(method, worth, tuple(row for _, row, _ in results), missing, bounds, fits))
    return sorted(found, key=_order)


def _order(choice: Choice) -> tuple[bool, int, int, bool, float, str]:
    worth = -math.inf if choice.worth is None else choice.worth
    return choice.fits is False, choice.failures, choice.missing, choice.worth is None, -worth, choice.method


def _worth(results: Sequence[tuple[float, BoardRow, BoardRow]], weights: Mapping[str, float]) -> float | None:
    gains = [(weight, gain(row, base, weights)) for weight, row, base in results if row.status != "failed"]
    if not gains or any(value is None for _, value in gains):
        return None
    return float(np.average([value or 0.0 for _, value in gains], weights=[weight for weight, _ in gains]))


def _fits(bounds: Bounds, cap: float) -> bool | None:
    if bounds.high is not None and bounds.high <= cap:
        return True
    return False if bounds.low is not None and bounds.low > cap else None


def _gain(name: str, row: BoardRow, base: BoardRow) -> float | None:
    if name == "accuracy":
        return None if row.mean is None or base.mean is None else 100 * (row.mean - base.mean)
    fields = {"time": "scored_seconds", "memory": "peak_memory_bytes", "energy": "energy_joules"}
    own, held_to = getattr(row, fields[name]), getattr(base, fields[name])
    return math.log2(held_to / own) if own and held_to else None


def _factors(graph: Graph, dataset: DatasetRecord) -> list[float]:
    assert graph.nodes and graph.edges and graph.features and graph.classes
    nodes, features = graph.nodes / dataset.nodes, graph.features / max(dataset.features, 1)
    classes = graph.classes / max(dataset.classes, 1)
    return [nodes, graph.edges / max(dataset.edges, 1), nodes * features, nodes * classes, features, classes]


def _properties(graph: Graph | DatasetRecord) -> dict[str, float]:
    counts = {
        "nodes": graph.nodes,
        "degree": graph.edges / graph.nodes if graph.edges and graph.nodes else None,
        "features": graph.features,
        "classes": graph.classes,
    }
    found = {name: math.log(count) for name, count in counts.items() if count}
    return found if graph.edge_homophily is None else found | {"homophily": graph.edge_homophily}

"""The nearest measured graphs and what they say, computed by hand."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import pytest

from db.records import DatasetRecord
from db.scoring.advice import (
    FAR,
    LEAST_SPREAD,
    Bounds,
    Graph,
    baseline,
    gain,
    measured_quantities,
    memory_bounds,
    neighbours,
    one_protocol,
    rank,
)
from db.scoring.board import BoardRow

EVEN = {"accuracy": 1.0, "time": 1.0}


def graph(name: str, nodes: int = 1000, edges: int = 10_000, homophily: float | None = 0.8, **changes: Any):
    values: dict[str, Any] = {"features": 100, "classes": 10, "graphs": 1, "level": "node", **changes}
    return DatasetRecord(
        name, "1", "ab", nodes, edges, metric="accuracy", edge_homophily=homophily, adjusted_homophily=None, **values
    )


def row(method: str, dataset: str = "near", **changes: Any) -> BoardRow:
    values: dict[str, Any] = {
        "dataset": dataset,
        "dataset_version": "1",
        "method": method,
        "strategy": method.split("+")[1],
        "reference": method.split("+")[0] + "+full_batch",
        "protocol": "p1",
        "mean": 0.8,
        "scored_seconds": 2.0,
        "peak_memory_bytes": 1_000_000,
        "status": "ranked",
    }
    return BoardRow(**(dict.fromkeys(field.name for field in fields(BoardRow)) | values | changes))


def test_distance_by_hand() -> None:
    near, far = graph("near", nodes=1000, edges=10_000), graph("far", nodes=100_000, edges=1_000_000)
    first, second = neighbours(Graph(nodes=1000, edges=10_000, edge_homophily=0.7), [far, near])
    # logarithms of the nodes lie ln 100 apart, so one standard deviation is ln 10; degrees are equal
    assert [first.dataset.name, second.dataset.name] == ["near", "far"]
    assert first.distance == pytest.approx(math.sqrt((0 + 0 + 1) / 3))
    assert second.distance == pytest.approx(math.sqrt((2**2 + 0 + 1) / 3))
    assert first.weight == 1
    assert second.weight == pytest.approx(math.exp(-(5 / 3 - 1 / 3) / 2))


def test_what_was_not_given_is_left_out() -> None:
    sets = [graph("small", nodes=100), graph("large", nodes=10**6, homophily=0.2)]
    assert neighbours(Graph(edge_homophily=0.2), sets)[0].dataset.name == "large"
    assert neighbours(Graph(edge_homophily=0.2), sets)[0].distance == 0
    assert neighbours(Graph(), sets) == []


def test_graphs_that_cannot_be_compared_are_no_neighbours() -> None:
    sets = [graph("molecules", level="graph"), graph("unlabelled", homophily=None), graph("good")]
    assert [each.dataset.name for each in neighbours(Graph(nodes=10, edge_homophily=0.5), sets)] == ["good"]


def test_among_graphs_of_one_size_twice_as_large_is_not_far() -> None:
    sets = [graph("one"), graph("other")]
    assert neighbours(Graph(nodes=2000), sets)[0].distance == pytest.approx(math.log(2) / LEAST_SPREAD["nodes"])
    assert neighbours(Graph(nodes=1900), sets)[0].distance < FAR
    assert neighbours(Graph(nodes=10**9), sets)[0].distance > FAR


def test_worth_is_points_and_halvings_beside_the_most_accurate_reference() -> None:
    base, fast = row("gcn+full_batch", mean=0.81), row("gcn+sgc", mean=0.80, scored_seconds=0.25)
    assert baseline([row("gat+full_batch", mean=0.7), fast, base]) is base
    # one point worse, three halvings of the time
    assert gain(fast, base, EVEN) == pytest.approx((-1 + 3) / 2)
    assert gain(fast, base, {"accuracy": 3, "time": 1}) == pytest.approx((-3 + 3) / 4)
    assert gain(fast, base, {"accuracy": 1, "time": 0, "energy": 0}) == pytest.approx(-1)
    assert gain(fast, base, {**EVEN, "energy": 1}) is None
    assert measured_quantities([[base, fast]]) == {"accuracy", "time", "memory"}
    assert measured_quantities([[fast]]) == set()


def test_only_the_protocol_with_most_results_is_looked_at() -> None:
    near = neighbours(Graph(nodes=1000), [graph("near")])
    rows = [row("gcn+full_batch"), row("gcn+sgc"), row("gat+full_batch", protocol="p2"), row("a+b", protocol="p3")]
    assert [each.method for each in one_protocol(rows, near)[0]] == ["gcn+full_batch", "gcn+sgc"]
    assert one_protocol(rows[3:], near) == [[]]


def test_ranking_by_nearness() -> None:
    sets = [graph("near"), graph("far", nodes=100_000, edges=1_000_000)]
    asked = Graph(nodes=1000)
    near = neighbours(asked, sets)
    rows = [row("gcn+full_batch", name) for name in ("near", "far")]
    rows += [row("gcn+here", "near", mean=0.82), row("gcn+here", "far", mean=0.78)]
    rows += [row("gcn+there", "near", mean=0.79), row("gcn+there", "far", mean=0.84)]
    found = rank(asked, near, rows, {"accuracy": 1}, sets)
    assert [choice.method for choice in found] == ["gcn+here", "gcn+full_batch", "gcn+there"]
    weight = near[1].weight
    assert found[0].worth == pytest.approx((2 - 2 * weight) / (1 + weight))
    assert [each.dataset for each in found[0].rows] == ["near", "far"]
    assert rank(Graph(nodes=100_000), neighbours(Graph(nodes=100_000), sets), rows, {"accuracy": 1}, sets)[
        0
    ].method == ("gcn+there")


def test_an_entrant_reorders_nobody() -> None:
    sets = [graph("near"), graph("far", nodes=5000)]
    asked = Graph(nodes=1500)
    near = neighbours(asked, sets)
    rows = [row(f"gcn+{name}", own.name, mean=0.8 + 0.01 * len(name) * (own.name == "near")) for name in
            ("full_batch", "a", "bbb") for own in sets]  # fmt: skip
    before = [choice.method for choice in rank(asked, near, rows, EVEN, sets)]
    rows += [row("gcn+entrant", "near", mean=0.99), row("gcn+entrant", "far", mean=0.1)]
    after = [choice.method for choice in rank(asked, near, rows, EVEN, sets)]
    assert [method for method in after if method != "gcn+entrant"] == before


def test_missing_failed_and_too_large_come_last() -> None:
    sets = [graph("near"), graph("far", nodes=2000)]
    asked = Graph(nodes=1000, edges=10_000, features=100, classes=10)
    near = neighbours(asked, sets)
    rows = [row("gcn+full_batch", name) for name in ("near", "far")]
    rows += [row("gcn+half", "near", mean=0.99)]
    rows += [row("gcn+broken", "near", mean=0.99), row("gcn+broken", "far", mean=None, status="failed")]
    rows += [row("gcn+large", name, mean=0.99, peak_memory_bytes=10**9) for name in ("near", "far")]
    found = rank(asked, near, rows, {"accuracy": 1}, sets, cap_bytes=10**8)
    assert [choice.method for choice in found] == ["gcn+full_batch", "gcn+half", "gcn+broken", "gcn+large"]
    assert [choice.missing for choice in found] == [0, 1, 0, 0]
    assert [choice.failures for choice in found] == [0, 0, 1, 0]
    assert [choice.fits for choice in found] == [True, True, True, False]
    assert all(choice.fits is None for choice in rank(asked, near, rows, {"accuracy": 1}, sets))


def test_a_method_of_a_graph_very_far_away_has_a_worth() -> None:
    sets = [graph("near"), *(graph(f"near{index}") for index in range(5000)), graph("far", nodes=10**300)]
    asked = Graph(nodes=1000)
    near = neighbours(asked, sets)
    assert near[-1].weight > 0
    rows = [row("gcn+full_batch", "far"), row("gcn+sgc", "far", mean=0.9)]
    assert rank(asked, [near[0], near[-1]], rows, {"accuracy": 1}, sets)[0].worth == pytest.approx(10)


WHOLE = Graph(nodes=2000, edges=80_000, features=100, classes=5)


def test_full_batch_grows_between_its_slowest_and_its_fastest_part() -> None:
    # nodes 2x, entries 8x, features 1x, classes 0.5x
    own = [(row("gcn+full_batch", peak_memory_bytes=1000), graph("near"))]
    assert memory_bounds(WHOLE, own) == Bounds(500, 8000)
    closer = (row("gcn+full_batch", peak_memory_bytes=3000), graph("mid", nodes=2000, edges=80_000, classes=10))
    assert memory_bounds(WHOLE, [*own, closer]) == Bounds(1500, 3000)


def test_the_true_peak_of_a_network_lies_within() -> None:
    def peak(nodes: int, edges: int, features: int, classes: int) -> int:
        return 10**6 + 4 * nodes * (features + 64 + classes) + 8 * edges + 4 * 64 * (features + classes)

    for measured in ((1000, 5000, 1433, 7), (50_000, 10**6, 10, 2), (10, 20, 3, 2)):
        nodes, edges, features, classes = measured
        own = row("gcn+full_batch", peak_memory_bytes=peak(*measured))
        low, high = memory_bounds(WHOLE, [(own, graph("g", nodes, edges, features=features, classes=classes))])
        assert low is not None and high is not None
        assert low <= peak(2000, 80_000, 100, 5) <= high


def test_other_strategies_are_bounded_only_by_graphs_that_are_larger_or_smaller_in_all() -> None:
    smaller = (row("gcn+sgc", peak_memory_bytes=1000), graph("s", nodes=500, edges=80_000, classes=2))
    larger = (row("gcn+sgc", peak_memory_bytes=9000), graph("l", nodes=5000, edges=90_000))
    neither = (row("gcn+sgc", peak_memory_bytes=5), graph("n", nodes=5000, edges=10))
    assert memory_bounds(WHOLE, [smaller]) == Bounds(1000, None)
    assert memory_bounds(WHOLE, [larger]) == Bounds(None, 9000)
    assert memory_bounds(WHOLE, [neither]) == Bounds(None, None)
    assert memory_bounds(WHOLE, [smaller, larger]) == Bounds(1000, 9000)


def test_no_bounds_where_the_assumption_fails_or_something_is_not_given() -> None:
    odd = [
        (row("gcn+sgc", peak_memory_bytes=9000), graph("s", nodes=500, edges=80_000, classes=2)),
        (row("gcn+sgc", peak_memory_bytes=1000), graph("l", nodes=5000, edges=90_000)),
    ]
    assert memory_bounds(WHOLE, odd) == Bounds(None, None)
    assert memory_bounds(Graph(nodes=2000, edges=80_000), odd[:1]) == Bounds(None, None)
    assert memory_bounds(WHOLE, [(row("gcn+sgc", peak_memory_bytes=None), graph("g"))]) == Bounds(None, None)

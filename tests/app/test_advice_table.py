"""The tables of advice: their words and what they say of the nearest graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.advice_table import bounds_words, choices_frame, differences, neighbours_frame, worded
from db.records import DatasetRecord
from db.scoring.advice import Bounds, Choice, Graph, Neighbour
from db.scoring.board import BoardRow

GRAPH = DatasetRecord("cora", "1", "ab", 2000, 8000, 100, 5, 1, "node", "accuracy", 0.8, 0.7)
OTHER = DatasetRecord("pubmed", "1", "cd", 20_000, 88_000, 500, 3, 1, "node", "accuracy", 0.8, 0.7)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (Bounds(None, None), "—"),
        (Bounds(12e6, None), "at least 12 MB"),
        (Bounds(None, 4.8e9), "at most 4.8 GB"),
        (Bounds(12e6, 48e6), "12 MB to 48 MB"),
        (Bounds(12e6, 12.0001e6), "12 MB"),
    ],
)
def test_bounds_in_words(bounds: Bounds, words: str) -> None:
    assert bounds_words(bounds) == words


def test_differences_name_only_what_was_given_and_differs() -> None:
    assert differences(Graph(nodes=6000, edges=24_000), GRAPH) == ["3.0x the nodes"]
    asked = Graph(nodes=20, features=10_000, classes=5, edge_homophily=0.3)
    assert differences(asked, GRAPH) == ["0.01x the nodes", "100x the features", "homophily -0.50"]
    assert differences(Graph(edge_homophily=0.8001), GRAPH) == []
    frame = neighbours_frame(Graph(classes=5), [Neighbour(GRAPH, 0.0, 1.0)])
    assert frame.loc[0, ["degree", "differs"]].tolist() == [4.0, "in nothing that was given"]


def test_a_line_has_the_figures_of_the_nearest_graph_with_a_result(row: Callable[..., BoardRow]) -> None:
    near = [Neighbour(GRAPH, 0.1, 1.0), Neighbour(OTHER, 0.9, 0.5)]
    failed = row(mean=None, status="failed", n=0, trust="measured_here")
    further = row(dataset="pubmed", mean=0.7, ci_low=None, ci_high=None, n=3, status="provisional")
    nowhere = Choice("gcn+broken", None, (failed,), 1, Bounds(None, None), None)
    frame = choices_frame([Choice("gcn+sgc", 0.5, (failed, further), 0, Bounds(1e6, None), True), nowhere], near)
    assert frame.loc[0, ["rank", "graph", "score", "n", "fits"]].tolist() == [1, "pubmed", "70.00 %", 3, "yes"]
    assert frame.loc[0, "marks"] == ["provisional", "failed on cora"]
    assert frame.loc[1, "marks"] == ["failed on cora", "not run on 1 of the graphs"]
    shown = worded(frame).to_string()
    assert "+0.50" in shown and "2 MB" in shown and "3.00 s" in shown and "—" in shown

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.datasets.graph_data import GraphData, Split
from bench.errors import UsageError


def test_counts(square: GraphData) -> None:
    assert (square.nodes, square.edges, square.features, square.graphs) == (4, 8, 4, 1)
    assert replace(square, graph_ptr=np.array([0, 1, 4])).graphs == 2


def test_sealed_hides_the_test_labels_of_its_split_only(square: GraphData) -> None:
    second = Split(np.array([1]), np.array([2]), np.array([0, 3]))
    data = replace(square, splits=(*square.splits, second))
    assert data.sealed(0).y.tolist() == [0, 0, 1, -1]
    assert data.sealed(1).y.tolist() == [-1, 0, 1, -1]
    assert data.sealed(1).splits == (second,)
    assert data.y.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("number", [-1, 1])
def test_a_split_that_is_not_there(square: GraphData, number: int) -> None:
    with pytest.raises(UsageError, match=f"splits 0 to 0; there is no split {number}"):
        square.sealed(number)


def test_record_carries_the_counts(square: GraphData) -> None:
    record = replace(square, edge_homophily=0.5, substitute_for="circle").record()
    assert (record.name, record.nodes, record.edges, record.features) == ("square", 4, 8, 4)
    assert (record.classes, record.graphs, record.level, record.metric) == (2, 1, "node", "accuracy")
    assert (record.edge_homophily, record.adjusted_homophily, record.substitute_for) == (0.5, None, "circle")


@pytest.mark.parametrize(("classes", "kept"), [(2, np.int8), (128, np.int8), (129, np.int16), (40_000, np.int32)])
def test_sealed_labels_take_no_more_room_than_they_need(square: GraphData, classes: int, kept: type) -> None:
    y = np.array([classes - 1, 0, 1, 1])
    sealed = replace(square, y=y, classes=classes).sealed(0)
    assert sealed.y.dtype == kept
    assert sealed.y.tolist()[0] == classes - 1

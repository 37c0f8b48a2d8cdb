from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.datasets.graph_data import GraphData, Split
from bench.datasets.validate import validate
from bench.errors import DataError


def _features(row: int, value: float) -> np.ndarray:
    x = np.eye(4, dtype=np.float32)
    x[row, 2] = value
    return x


def _split(train: list[int], valid: list[int], test: list[int]) -> tuple[Split, ...]:
    return (Split(*(np.array(part, np.int64) for part in (train, valid, test))),)


def test_a_sound_graph_passes(square: GraphData) -> None:
    validate(square)


def test_a_test_label_that_is_missing_would_be_scored_as_wrong(square: GraphData) -> None:
    with pytest.raises(DataError, match="the test part of split 0 has node 3, which has no label"):
        validate(square.sealed(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"indices": np.array([1, 3, 0, 2, 1, 3, 0, 4], np.int32)}, "names node 4, but the graph has nodes 0 to 3"),
        ({"y": np.array([0, 0, 2, 1])}, "label 2 is out of range; the 2 classes are 0 to 1"),
        ({"y": np.array([0, -2, 1, 1])}, "label -2 is out of range"),
        ({"x": _features(1, np.nan)}, "feature 2 of node 1 is nan"),
        ({"x": _features(3, np.inf)}, "feature 2 of node 3 is inf"),
        ({"x": np.ones(4, np.float32)}, r"features have shape \(4,\)"),
        ({"y": np.array([0, 1])}, "there are 4 nodes"),
        ({"indptr": np.array([0, 2, 4, 8])}, "row pointers of shape"),
        ({"indptr": np.array([0, 4, 2, 6, 8])}, "row pointers decrease"),
        ({"splits": ()}, "has no split"),
        ({"splits": _split([0], [], [1])}, "the valid part of split 0 is empty"),
        ({"splits": _split([0, 1], [2], [1])}, "the test part of split 0 overlaps"),
        ({"splits": _split([0, 0], [2], [1])}, "names a node twice"),
        ({"splits": _split([0], [4], [1])}, "names node 4, but there are 4 nodes"),
        ({"splits": _split([-1], [2], [1])}, "names node -1"),
        ({"y": np.array([-1, 0, 1, 1])}, "train part of split 0 has node 0, which has no label"),
        ({"graph_ptr": np.array([0, 2, 2, 4])}, "graph 1 has no nodes"),
        ({"graph_ptr": np.array([0, 2, 3])}, "do not cover the 4 nodes"),
        ({"graph_ptr": np.array([0, 2, 4])}, "an edge joins two different graphs"),
        ({"metric": "roc_auc", "classes": 3}, "ROC AUC needs two classes, but there are 3"),
    ],
)
def test_each_fault_has_its_sentence(square: GraphData, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        validate(replace(square, **change))

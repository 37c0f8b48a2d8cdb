"""The checks that every dataset passes before anything is trained on it."""

from __future__ import annotations

import numpy as np

from bench.datasets.graph_data import GraphData, Split
from bench.errors import DataError

_ROWS_AT_ONCE = 65_536


def validate(data: GraphData) -> None:
    """Check shapes, edges, labels, features and splits.

    Raises:
        DataError: the first thing found wrong, in one sentence.
    """
    _check_shapes(data)
    _check_edges(data)
    _check_labels(data)
    _check_features(data)
    if not data.splits:
        raise DataError(f"{data.name} has no split; give at least one")
    for number, split in enumerate(data.splits):
        _check_split(data, number, split)


def _check_shapes(data: GraphData) -> None:
    if data.x.ndim != 2 or data.nodes == 0 or data.features == 0:
        raise DataError(f"{data.name}: the features have shape {data.x.shape}, but it must be [nodes, features]")
    if data.indptr.shape != (data.nodes + 1,) or data.indptr[0] != 0 or data.indptr[-1] != data.edges:
        raise DataError(
            f"{data.name}: the row pointers of shape {data.indptr.shape} do not fit {data.nodes} nodes and "
            f"{data.edges} edges"
        )
    labelled = data.graphs if data.level == "graph" else data.nodes
    if data.y.shape != (labelled,):
        raise DataError(f"{data.name}: the labels have shape {data.y.shape}, but there are {labelled} {data.level}s")
    pointer = data.graph_ptr
    if pointer is not None:
        if pointer[0] != 0 or pointer[-1] != data.nodes:
            raise DataError(f"{data.name}: the graphs' node offsets do not cover the {data.nodes} nodes")
        empty = np.flatnonzero(np.diff(pointer) <= 0)
        if len(empty):
            raise DataError(f"{data.name}: graph {empty[0]} has no nodes; leave it out")


def _check_edges(data: GraphData) -> None:
    if data.edges == 0:
        return
    lowest, highest = int(data.indices.min()), int(data.indices.max())
    if lowest < 0 or highest >= data.nodes:
        wrong = lowest if lowest < 0 else highest
        raise DataError(f"{data.name}: an edge names node {wrong}, but the graph has nodes 0 to {data.nodes - 1}")
    if (np.diff(data.indptr) < 0).any():
        raise DataError(f"{data.name}: the row pointers decrease")
    if data.graph_ptr is not None:
        owner = np.repeat(np.arange(data.graphs), np.diff(data.graph_ptr))
        if (owner[data.indices] != np.repeat(owner, np.diff(data.indptr))).any():
            raise DataError(f"{data.name}: an edge joins two different graphs")


def _check_labels(data: GraphData) -> None:
    lowest, highest = int(data.y.min()), int(data.y.max())
    if lowest < -1 or highest >= data.classes:
        wrong = lowest if lowest < -1 else highest
        raise DataError(
            f"{data.name}: label {wrong} is out of range; the {data.classes} classes are 0 to {data.classes - 1}, and "
            "-1 is unlabelled"
        )
    if data.metric == "roc_auc" and data.classes != 2:
        raise DataError(f"{data.name}: ROC AUC needs two classes, but there are {data.classes}; use accuracy")


def _check_features(data: GraphData) -> None:
    # in slices, so that a memory-mapped matrix is never in memory twice
    for start in range(0, data.nodes, _ROWS_AT_ONCE):
        part = data.x[start : start + _ROWS_AT_ONCE]
        if not np.isfinite(part.sum(dtype=np.float64)) and not np.isfinite(part).all():
            row, column = np.argwhere(~np.isfinite(part))[0]
            raise DataError(
                f"{data.name}: feature {column} of node {start + row} is {part[row, column]}, not a finite number"
            )


def _check_split(data: GraphData, number: int, split: Split) -> None:
    count = len(data.y)
    seen = np.zeros(count, bool)
    for part, indices in (("train", split.train), ("valid", split.valid), ("test", split.test)):
        where = f"{data.name}: the {part} part of split {number}"
        if len(indices) == 0:
            raise DataError(f"{where} is empty")
        if indices.min() < 0 or indices.max() >= count:
            wrong = int(indices.min()) if indices.min() < 0 else int(indices.max())
            raise DataError(f"{where} names {data.level} {wrong}, but there are {count} {data.level}s")
        before = int(seen.sum())
        seen[indices] = True
        if int(seen.sum()) != before + len(indices):
            raise DataError(f"{where} overlaps another part or names a {data.level} twice")
        if (data.y[indices] < 0).any():
            wrong = int(indices[(data.y[indices] < 0).argmax()])
            raise DataError(f"{where} has {data.level} {wrong}, which has no label")

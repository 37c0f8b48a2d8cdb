"""What a loader returns, and its one way into `GraphData`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.datasets.adjacency import Direction, is_undirected, to_csr
from bench.datasets.graph_data import GraphData, Split
from bench.datasets.validate import validate
from bench.errors import DataError
from db.homophily import homophily

if TYPE_CHECKING:
    from bench.datasets.declaration import Dataset


@dataclass(frozen=True)
class RawGraph:
    """A graph as its files store it.

    Attributes:
        x: [N, F] numbers.
        edge_index: [2, E], sources above targets, as stored.
        y: [N] or [G] integers, -1 unlabelled.
        splits: see `Split`.
        direction: whether reverse edges are added.
        graph_ptr: [G+1] first node of each graph.
        categories: see `GraphData`.
        classes: None takes the published number, or the largest label + 1.
    """

    x: NDArray
    edge_index: NDArray[np.integer]
    y: NDArray[np.integer]
    splits: tuple[Split, ...]
    direction: Direction = "both"
    graph_ptr: NDArray[np.integer] | None = None
    categories: tuple[int, ...] | None = None
    classes: int | None = None


def assemble(dataset: Dataset, name: str, raw: RawGraph) -> GraphData:
    """Build the adjacency, measure homophily, hash and validate.

    Raises:
        DataError: the graph is inconsistent.
    """
    x = np.ascontiguousarray(raw.x, dtype=np.float32)
    if x.ndim != 2:
        raise DataError(f"{name}: the features have shape {x.shape}, but it must be [nodes, features]")
    y = _whole_numbers(name, raw.y)
    indptr, indices = to_csr(raw.edge_index, len(x), raw.direction)
    edge, adjusted = (None, None) if dataset.level == "graph" else _homophily(name, indptr, indices, y)
    published = dataset.sizes.classes if dataset.sizes else None
    classes = raw.classes or published or int(y.max()) + 1
    sha256 = _content_hash(x, indptr, indices, y, raw.splits)
    data = GraphData(
        name=name,
        version=dataset.version or _version_of(sha256, dataset.metric, classes),
        sha256=sha256,
        x=x,
        indptr=indptr,
        indices=indices,
        y=y,
        splits=raw.splits,
        metric=dataset.metric,
        level=dataset.level,
        classes=classes,
        undirected=raw.direction == "both" or is_undirected(indptr, indices),
        graph_ptr=None if raw.graph_ptr is None else raw.graph_ptr.astype(np.int64),
        categories=raw.categories,
        edge_homophily=edge,
        adjusted_homophily=adjusted,
        description=dataset.description,
        substitute_for=dataset.substitute_for,
    )
    validate(data)
    return data


def _whole_numbers(name: str, y: NDArray) -> NDArray[np.int64]:
    y = np.asarray(y)
    if y.ndim != 1 or len(y) == 0:
        raise DataError(f"{name}: the labels have shape {y.shape}, but it must be one whole number an entry")
    whole = np.where(np.isnan(y), -1, y) if np.issubdtype(y.dtype, np.floating) else y
    if not np.array_equal(whole, whole.astype(np.int64)):
        raise DataError(f"{name}: the labels are not whole numbers; number the classes from 0")
    return whole.astype(np.int64)


def _homophily(
    name: str, indptr: NDArray[np.int64], indices: NDArray[np.int32], y: NDArray[np.int64]
) -> tuple[float | None, float | None]:
    if len(y) != len(indptr) - 1:
        raise DataError(f"{name}: the labels have shape {y.shape}, but there are {len(indptr) - 1} nodes")
    return homophily(indptr, indices, y)


def _version_of(*content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:12]


def _content_hash(x: NDArray, indptr: NDArray, indices: NDArray, y: NDArray, splits: tuple[Split, ...]) -> str:
    digest = hashlib.sha256()
    for array in (x, indptr, indices, y, *(part for s in splits for part in (s.train, s.valid, s.test))):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()

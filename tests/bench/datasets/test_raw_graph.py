from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.datasets.declaration import Dataset, Sizes
from bench.datasets.graph_data import Split
from bench.datasets.raw_graph import RawGraph, assemble
from bench.errors import DataError

RAW = RawGraph(
    x=np.eye(4),
    edge_index=np.array([[0, 1, 2, 3], [1, 2, 3, 0]]),
    y=np.array([0, 0, 1, 1]),
    splits=(Split(np.array([0, 2]), np.array([1]), np.array([3])),),
)
TOY = Dataset("toy", lambda files: RAW, "accuracy", "a ring", version="7", substitute_for="circle")


def test_a_ring() -> None:
    data = assemble(TOY, "toy", RAW)
    assert (data.x.dtype, data.indices.dtype, data.y.dtype) == (np.float32, np.int32, np.int64)
    assert data.indices.tolist() == [1, 3, 0, 2, 1, 3, 0, 2]
    # two of four edges agree, and half is what two equal classes give by chance
    assert (data.edge_homophily, data.adjusted_homophily) == (0.5, 0.0)
    assert (data.classes, data.undirected, data.version, data.substitute_for) == (2, True, "7", "circle")


def test_stored_edges_may_still_be_undirected() -> None:
    both = np.concatenate([RAW.edge_index, RAW.edge_index[::-1]], axis=1)
    assert assemble(TOY, "toy", replace(RAW, edge_index=both, direction="stored")).undirected
    assert not assemble(TOY, "toy", replace(RAW, direction="stored")).undirected


def test_classes_come_from_the_loader_then_the_publication_then_the_labels() -> None:
    published = replace(TOY, sizes=Sizes(nodes=4, features=4, classes=3))
    assert assemble(TOY, "toy", replace(RAW, classes=5)).classes == 5
    assert assemble(published, "toy", RAW).classes == 3
    assert assemble(TOY, "toy", RAW).classes == 2


def test_labels_of_graphs_have_no_homophily() -> None:
    apart = RawGraph(
        x=np.eye(6),
        edge_index=np.array([[0, 2, 4], [1, 3, 5]]),
        y=np.array([0, 1, 1]),
        splits=(Split(np.array([0]), np.array([1]), np.array([2])),),
        graph_ptr=np.array([0, 2, 4, 6]),
    )
    data = assemble(replace(TOY, level="graph"), "toy", apart)
    assert (data.graphs, data.edge_homophily, data.adjusted_homophily) == (3, None, None)


def test_the_hash_covers_every_array() -> None:
    hashes = {
        assemble(TOY, "toy", raw).sha256
        for raw in (
            RAW,
            replace(RAW, x=2 * np.eye(4)),
            replace(RAW, edge_index=RAW.edge_index[:, :3]),
            replace(RAW, y=np.array([0, 0, 1, 0])),
            replace(RAW, splits=RAW.splits * 2),
        )
    }
    assert len(hashes) == 5
    assert assemble(TOY, "another name", RAW).sha256 in hashes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones(4)}, r"features have shape \(4,\)"),
        ({"y": np.array([0.5, 0, 1, 1])}, "not whole numbers"),
        ({"y": np.eye(4)}, r"labels have shape \(4, 4\)"),
        ({"y": np.array([0, 1])}, "there are 4 nodes"),
    ],
)
def test_wrong_shapes(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        assemble(TOY, "toy", replace(RAW, **change))  # type: ignore[arg-type]

from __future__ import annotations

import numpy as np
import pytest

from bench.datasets.adjacency import is_undirected, to_csr
from bench.errors import DataError

# 0 -> 1 twice, 2 -> 1, and a self-loop at 2
EDGES = np.array([[0, 2, 0, 2], [1, 1, 1, 2]])


def test_stored_direction_puts_senders_into_the_receivers_row() -> None:
    indptr, indices = to_csr(EDGES, 3, "stored")
    assert indptr.tolist() == [0, 0, 2, 2]
    assert indices.tolist() == [0, 2]
    assert (indptr.dtype, indices.dtype) == (np.int64, np.int32)
    assert not is_undirected(indptr, indices)


def test_both_directions() -> None:
    indptr, indices = to_csr(EDGES, 3)
    assert indptr.tolist() == [0, 1, 3, 4]
    assert indices.tolist() == [1, 0, 2, 1]
    assert is_undirected(indptr, indices)


def test_no_edges() -> None:
    indptr, indices = to_csr(np.empty((2, 0), np.int64), 2)
    assert indptr.tolist() == [0, 0, 0]
    assert len(indices) == 0


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (np.array([[0, 1], [1, 3]]), "edge 1 -> 3 names a node that does not exist; the graph has nodes 0 to 2"),
        (np.array([[-1], [0]]), "edge -1 -> 0 names a node"),
        (np.array([[0, 1, 2]]), r"shape \(1, 3\)"),
        (np.array([[0.0], [1.0]]), "float64 values"),
    ],
)
def test_wrong_edges(edges: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        to_csr(edges, 3)

"""From an edge list to the CSR adjacency of `GraphData`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError

Direction = Literal["both", "stored"]
"""`both` adds the reverse of every edge; `stored` keeps the edges as the published file has them."""


def to_csr(
    edge_index: NDArray[np.integer], nodes: int, direction: Direction = "both"
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """CSR by receiving node, in-neighbours ascending, coalesced, without self-loops.

    Args:
        edge_index: [2, E], sources above targets.
        nodes: number of nodes N.

    Returns:
        indptr int64 [N+1] and indices int32.

    Raises:
        DataError: an edge names a node that does not exist.
    """
    from scipy.sparse import coo_array

    check_endpoints(edge_index, nodes)
    sources, targets = edge_index
    kept = sources != targets
    # int32 keeps scipy's conversion at half the memory, and every set here has fewer than 2^31 nodes
    sources, targets = sources[kept].astype(np.int32), targets[kept].astype(np.int32)
    if direction == "both":
        sources, targets = np.concatenate([sources, targets]), np.concatenate([targets, sources])
    matrix = coo_array((np.ones(len(sources), np.int8), (targets, sources)), shape=(nodes, nodes)).tocsr()
    matrix.sum_duplicates()
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)


def check_endpoints(edge_index: NDArray[np.integer], nodes: int) -> None:
    """Refuse edges to nodes that do not exist.

    Raises:
        DataError: the array is not [2, E] of whole numbers, or an edge leaves 0..nodes-1.
    """
    if edge_index.ndim != 2 or edge_index.shape[0] != 2:
        raise DataError(f"the edge list has shape {edge_index.shape}, but it must be [2, number of edges]")
    if not np.issubdtype(edge_index.dtype, np.integer):
        raise DataError(f"the edge list holds {edge_index.dtype} values, but node numbers must be integers")
    wrong = ((edge_index < 0) | (edge_index >= nodes)).any(axis=0)
    if wrong.any():
        source, target = edge_index[:, int(wrong.argmax())]
        raise DataError(
            f"edge {source} -> {target} names a node that does not exist; the graph has nodes 0 to {nodes - 1}"
        )


def is_undirected(indptr: NDArray[np.int64], indices: NDArray[np.int32]) -> bool:
    """Whether every edge is there in both directions."""
    from scipy.sparse import csr_array

    nodes = len(indptr) - 1
    matrix = csr_array((np.ones(len(indices), np.int8), indices, indptr), shape=(nodes, nodes))
    transposed = matrix.T.tocsr()
    transposed.sort_indices()
    return bool(np.array_equal(transposed.indptr, indptr) and np.array_equal(transposed.indices, indices))

"""Cutting a graph into parts of equal size with few edges between them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from methods.adjacency import Adjacency
from methods.errors import MethodError


def metis(adjacency: Adjacency, parts: int, seed: int) -> Tensor:
    """The part of each node, [nodes] int64 on the adjacency's device; a small part may be empty.

    Directions, weights and self-loops of edges do not count. Source: Karypis and Kumar 1998 (METIS, k-way).

    Args:
        adjacency: square.
        parts: from 1 to the number of nodes.
        seed: the same seed gives the same parts.

    Raises:
        MethodError: pymetis is not installed.
    """
    try:
        import pymetis
    except ImportError as error:
        raise MethodError("METIS partitions need pymetis, which is not installed; run pip install pymetis") from error
    if parts == 1 or adjacency.entries == 0:  # METIS leaves parts of an edgeless graph empty at will
        return torch.arange(adjacency.rows, device=adjacency.device) % parts
    pointers, neighbors = _undirected(adjacency, np.dtype(pymetis.zero_copy_dtype()))
    graph = pymetis.CSRAdjacency(pointers, neighbors)
    cut = pymetis.part_graph(parts, graph, options=pymetis.Options(seed=seed), recursive=False)
    return torch.from_numpy(np.array(cut.vertex_part, dtype=np.int64)).to(adjacency.device)


def edge_cut(adjacency: Adjacency, part: Tensor) -> float:
    """Share of the entries that join nodes of different parts, from 0 to 1; 0 without entries."""
    if adjacency.entries == 0:
        return 0.0
    across = part.index_select(0, adjacency.indices) != part.index_select(0, adjacency.row_of_entry())
    return float(across.float().mean())


def _undirected(adjacency: Adjacency, integer: np.dtype) -> tuple[NDArray, NDArray]:
    """Row pointers and neighbours of the graph without directions and self-loops, each edge in both rows."""
    rows, columns = adjacency.row_of_entry(), adjacency.indices.long()
    apart = rows != columns
    keys = (rows * adjacency.columns + columns)[apart]
    if not adjacency.symmetric:
        keys = torch.cat([keys, (columns * adjacency.columns + rows)[apart]]).unique()
    counts = torch.bincount(keys // adjacency.columns, minlength=adjacency.rows).cpu()
    pointers = np.concatenate([[0], counts.cumsum(0).numpy()])
    return pointers.astype(integer), (keys % adjacency.columns).cpu().numpy().astype(integer)

"""Edges between the nodes of a coarse level: who reaches whom in exactly p steps of the finer graph."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.adjacency import Adjacency, offsets
from methods.errors import MethodError

MOST_ENTRIES = 2**26
"""Largest coarse adjacency that is built for p >= 2; its normalisation takes some 3 GB."""
_ENTRIES_AT_ONCE = 2**23


def between(adjacency: Adjacency, nodes: Tensor, power: int) -> Adjacency:
    """The pattern of P^T A^p P, without forming A^p (Gal et al. 2025).

    For p = 1 it is the induced subgraph. For p >= 2 entries are unweighted, closed walks give self-loops, and direct
    neighbours that no walk of exactly p steps joins are lost, as in the paper. Products are taken for blocks of rows,
    so that no intermediate result outgrows memory.

    Args:
        adjacency: A, square.
        nodes: [k] int64, the columns of P, each node at most once.
        power: p, at least 1.

    Raises:
        MethodError: p is below 1, or the result has more than `MOST_ENTRIES` entries.
    """
    if power < 1:
        raise MethodError(f"power={power} is not possible; edges of a coarse graph are walks of 1 step or more")
    if power == 1:
        return adjacency.induced(nodes)
    steps, last = _coo(adjacency), _columns(adjacency, nodes)
    columns: list[Tensor] = []
    degrees: list[Tensor] = []
    entries = 0
    for block in _blocks(adjacency, nodes, power):
        walks = _rows(adjacency, block)
        for _ in range(power - 2):
            walks = _pattern(walks, steps)
        rows, reached = _pattern(walks, last).indices()
        entries += reached.numel()
        if entries > MOST_ENTRIES:
            raise MethodError(
                f"power={power} gives a coarse graph of {nodes.numel()} nodes more than {MOST_ENTRIES} edges; "
                "use a smaller power, a larger ratio or another graph"
            )
        columns.append(reached.int())
        degrees.append(torch.bincount(rows, minlength=block.numel()))
    return Adjacency(offsets(torch.cat(degrees)), torch.cat(columns), nodes.numel(), symmetric=adjacency.symmetric)


def _blocks(adjacency: Adjacency, nodes: Tensor, power: int) -> list[Tensor]:
    """The nodes in blocks whose rows have about `_ENTRIES_AT_ONCE` entries at most, by a bound on their walks."""
    walks, rows = adjacency.degrees().double(), adjacency.row_of_entry()
    for _ in range(power - 1):
        arrived = walks[adjacency.indices.long()]
        walks = torch.zeros_like(walks).index_add_(0, rows, arrived).clamp_(max=adjacency.rows)
    work = torch.cumsum(walks[nodes], 0)
    block = (work / _ENTRIES_AT_ONCE).long()
    return list(nodes.split(torch.unique_consecutive(block, return_counts=True)[1].tolist()))


def _pattern(left: Tensor, right: Tensor) -> Tensor:
    product = torch.sparse.mm(left, right).coalesce()
    return _ones(product.indices(), tuple(product.shape))


def _coo(adjacency: Adjacency) -> Tensor:
    places = torch.stack([adjacency.row_of_entry(), adjacency.indices.long()])
    return _ones(places, (adjacency.rows, adjacency.columns))


def _rows(adjacency: Adjacency, nodes: Tensor) -> Tensor:
    """P^T A."""
    entries, sizes = adjacency.entries_of(nodes)
    rows = torch.repeat_interleave(torch.arange(nodes.numel(), device=nodes.device), sizes)
    return _ones(torch.stack([rows, adjacency.indices[entries].long()]), (nodes.numel(), adjacency.columns))


def _columns(adjacency: Adjacency, nodes: Tensor) -> Tensor:
    """A P."""
    position = nodes.new_full((adjacency.columns,), -1)
    position[nodes] = torch.arange(nodes.numel(), device=nodes.device)
    columns = position[adjacency.indices.long()]
    kept = columns >= 0
    return _ones(torch.stack([adjacency.row_of_entry()[kept], columns[kept]]), (adjacency.rows, nodes.numel()))


def _ones(places: Tensor, shape: tuple[int, ...]) -> Tensor:
    values = torch.ones(places.shape[1], device=places.device)
    return torch.sparse_coo_tensor(places, values, shape, check_invariants=False).coalesce()

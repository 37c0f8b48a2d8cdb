"""Operations on compressed rows for devices without kernels of ours, and the definition of what kernels do."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.adjacency import Adjacency, offsets


def induced(adjacency: Adjacency, nodes: Tensor, position: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """As `methods.kernels.on_cpu.induced`."""
    entries, sizes = adjacency.entries_of(nodes)
    columns = position.index_select(0, adjacency.indices.index_select(0, entries))
    kept = columns >= 0
    values = None if adjacency.values is None else adjacency.values[entries[kept]]
    return offsets(kept)[offsets(sizes)], columns[kept], values


def with_loops(adjacency: Adjacency) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """As `methods.kernels.on_cpu.with_loops`."""
    rows, columns = adjacency.row_of_entry(), adjacency.indices.long()
    lonely = torch.ones(adjacency.rows, dtype=torch.bool, device=adjacency.device)
    lonely[columns[rows == columns]] = False
    extra = lonely.nonzero().squeeze(1)
    # every entry moves back by the number of loops before its row, and a row's loop is its last entry: no sort
    shift = offsets(lonely)
    moved = torch.arange(adjacency.entries, device=adjacency.device) + shift[rows]
    at_end = adjacency.indptr.long()[1:][extra] + shift[extra]
    indices = adjacency.indices.new_empty(adjacency.entries + extra.numel())
    indices[moved], indices[at_end] = adjacency.indices, extra.to(indices.dtype)
    values = None
    if adjacency.values is not None:
        values = adjacency.values.new_ones(indices.numel())
        values[moved] = adjacency.values
    return adjacency.indptr.long() + shift, indices, values, lonely


def scaled(adjacency: Adjacency, of_row: Tensor, of_column: Tensor | None) -> Tensor:
    """As `methods.kernels.on_cpu.scaled`."""
    result = of_row[adjacency.row_of_entry()]
    if of_column is not None:
        result *= of_column[adjacency.indices.long()]
    if adjacency.values is not None:
        result *= adjacency.values
    return result

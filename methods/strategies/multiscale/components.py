"""Connected components."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.adjacency import Adjacency


def connected_components(adjacency: Adjacency) -> Tensor:
    """The smallest node of each node's component, [nodes] int64; directions of edges do not count.

    Trees of nodes are hooked onto smaller roots and flattened by pointer jumping, so the number of rounds grows with
    the logarithm of the size (Shiloach and Vishkin 1982).
    """
    rows, columns = adjacency.row_of_entry(), adjacency.indices.long()
    root = torch.arange(adjacency.rows, device=adjacency.device)
    while True:
        left, right = root[rows], root[columns]
        apart = left != right
        if not bool(apart.any()):
            return root
        # edges inside one tree never part again
        rows, columns, left, right = rows[apart], columns[apart], left[apart], right[apart]
        low, high = torch.minimum(left, right), torch.maximum(left, right)
        root.scatter_reduce_(0, high, low, "amin")
        while not torch.equal(root, flat := root[root]):
            root = flat

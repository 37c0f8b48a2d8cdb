"""The incidence operator of a graph: what turns signals on nodes into differences along edges, and back."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from methods.adjacency import Adjacency

_known: WeakKeyDictionary[Adjacency, Adjacency] = WeakKeyDictionary()


def incidence(adjacency: Adjacency) -> Adjacency:
    """The normalised signed incidence matrix B, [edges, nodes] with two entries a row, made once for each adjacency.

    The row of edge {u, v}, u > v, of weight w is sqrt(w / d_u) in column u and -sqrt(w / d_v) in column v, where d are
    the row sums after self-loops. So `aggregate(B, x)` gives the scaled differences along edges, `aggregate` of
    B.transposed() sums signals on edges into their ends, and B^T B = I - A_hat if A is symmetric (Liu et al. 2021).

    Every pair of joined nodes is one edge, also where entries lead both ways, and self-loops are none. On a directed
    graph its weight is the mean of both directions', where a direction that is not there has weight 0; B^T B is then
    the Laplacian of (A + A^T) / 2 scaled by the row sums of A, whose diagonal is not that of I - A_hat.

    Args:
        adjacency: [nodes, nodes], without self-loops or with; not normalised.
    """
    if adjacency not in _known:
        _known[adjacency] = _build(adjacency.normalized("none", self_loops=True))
    return _known[adjacency]


def _build(pattern: Adjacency) -> Adjacency:
    high, low, weights = _edges(pattern)
    scale = pattern.sums().rsqrt()
    root = weights.sqrt()
    values = torch.stack([root * scale[high], -root * scale[low]], dim=1)
    pointers = torch.arange(0, 2 * high.numel() + 1, 2, device=pattern.device)
    return Adjacency(pointers, torch.stack([high, low], dim=1).flatten(), pattern.columns, values.flatten())


def _edges(pattern: Adjacency) -> tuple[Tensor, Tensor, Tensor]:
    """The larger and the smaller node of each edge, int64, and its weight, float; all [edges]."""
    targets, sources, weights = pattern.row_of_entry(), pattern.indices.long(), pattern.weights()
    if pattern.symmetric:  # both directions are there, so no sort has to find them
        once = targets > sources
        return targets[once], sources[once], weights[once]
    apart = targets != sources
    targets, sources, weights = targets[apart], sources[apart], weights[apart]
    keys = torch.maximum(targets, sources) * pattern.columns + torch.minimum(targets, sources)
    pairs, pair_of_entry = torch.unique(keys, return_inverse=True)
    mean = weights.new_zeros(pairs.numel()).index_add_(0, pair_of_entry, weights / 2)
    return pairs // pattern.columns, pairs % pattern.columns, mean

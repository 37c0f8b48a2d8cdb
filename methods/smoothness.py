"""How much a signal on a graph changes along its edges."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.aggregate import aggregate_exactly


def dirichlet_energy(h: Tensor, adjacency: Adjacency) -> Tensor:
    """tr(H^T L H) with L = I - A_hat, A_hat the adjacency with self-loops, normalised symmetrically.

    On an undirected graph it is the sum over edges {u, v} of ||h_u / sqrt(d_u) - h_v / sqrt(d_v)||^2, with d the
    degrees after self-loops, so it is negative by rounding at most. Along the steps of a deep network it falls towards
    zero where the network smooths too much (Cai and Wang 2020). A quantizer does not round the product with A_hat.

    Args:
        h: [nodes, features].
        adjacency: [nodes, nodes], without self-loops or with; not normalised.

    Returns:
        A scalar.
    """
    return inner_product(h, h - aggregate_exactly(adjacency.normalized("symmetric", self_loops=True), h))


def inner_product(left: Tensor, right: Tensor) -> Tensor:
    """<left, right>, the sum over all entries of their products, a scalar; without a temporary of their size."""
    return torch.dot(left.flatten(), right.flatten())

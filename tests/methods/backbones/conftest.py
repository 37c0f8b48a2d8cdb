"""Undirected graphs for the backbones that propagate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from methods.adjacency import Adjacency

RandomGraph = Callable[[int], Adjacency]


@pytest.fixture(scope="session")
def random_graph() -> RandomGraph:
    """Makes an undirected graph of 24 nodes from a seed; nodes 20 to 23 are isolated."""

    def make(seed: int) -> Adjacency:
        generator = torch.Generator().manual_seed(seed)
        low, high = torch.triu(torch.rand(20, 20, generator=generator) < 0.2, diagonal=1).nonzero().T
        return Adjacency.from_edges(torch.cat([low, high]), torch.cat([high, low]), 24, symmetric=True)

    return make


@pytest.fixture(scope="session")
def graph(random_graph: RandomGraph) -> Adjacency:
    """One of the random graphs."""
    return random_graph(0)

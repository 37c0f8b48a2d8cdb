"""Small graphs that the tests of this room share."""

from __future__ import annotations

import pytest
import torch

from methods.adjacency import Adjacency


@pytest.fixture
def directed() -> Adjacency:
    """Edges 0->1, 2->1, 1->3: row 1 receives from 0 and 2, row 3 from 1; rows 0 and 2 are empty."""
    return Adjacency.from_edges(torch.tensor([0, 2, 1]), torch.tensor([1, 1, 3]), nodes=4)


@pytest.fixture
def path() -> Adjacency:
    """The undirected path 0 - 1 - 2."""
    return Adjacency.from_edges(torch.tensor([0, 1, 1, 2]), torch.tensor([1, 0, 2, 1]), nodes=3, symmetric=True)


@pytest.fixture
def uneven() -> Adjacency:
    """A directed random graph of 60 nodes with empty rows (50 to 59) and a hub (row 0 hears from everybody)."""
    generator = torch.Generator().manual_seed(3)
    keys = torch.randint(60 * 50, (400,), generator=generator)
    targets, sources = keys // 60, keys % 60
    hub = torch.arange(60)
    pairs = torch.cat([targets * 60 + sources, hub]).unique()
    return Adjacency.from_edges(pairs % 60, pairs // 60, nodes=60)

"""Graphs and matrices that the tests of low-bit inference share."""

from __future__ import annotations

import pytest
import torch

from methods.adjacency import Adjacency
from methods.lowbit.operator import SymmetricOperator


@pytest.fixture(scope="package")
def graph() -> Adjacency:
    """A directed random graph of 150 nodes: a hub that hears from everybody (7), a node without in-neighbours (3)."""
    generator = torch.Generator().manual_seed(0)
    pattern = torch.rand(150, 150, generator=generator) < 0.06
    pattern[7] = True
    pattern[3] = False
    pattern.fill_diagonal_(False)
    targets, sources = pattern.nonzero(as_tuple=True)
    return Adjacency.from_edges(sources, targets, 150)


@pytest.fixture(scope="package")
def operator(graph: Adjacency) -> SymmetricOperator:
    return SymmetricOperator.of(graph)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)

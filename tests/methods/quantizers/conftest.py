"""A small problem on a graph, for all quantizers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.problem import Problem


@pytest.fixture
def posed() -> Problem:
    """30 nodes with 6 features and 3 classes; nodes 28 and 29 have no edges, node 0 knows a third of the others."""
    generator = torch.Generator().manual_seed(5)
    ends = torch.randint(28, (2, 60), generator=generator)
    hub = torch.stack([torch.zeros(10, dtype=torch.int64), torch.arange(1, 11)])
    low, high = torch.cat([ends, hub], 1).sort(0).values
    keys = (low * 30 + high)[low != high].unique()
    sources, targets = torch.cat([torch.stack([keys // 30, keys % 30]), torch.stack([keys % 30, keys // 30])], 1)
    view = GraphView(
        torch.randn(30, 6, generator=generator),
        Adjacency.from_edges(sources, targets, 30, symmetric=True),
        torch.randint(3, (30,), generator=generator),
        torch.ones(30, dtype=torch.bool),
    )
    return Problem(view, "multiclass", 3, torch.Generator())


@pytest.fixture
def train() -> Callable[[torch.nn.Module, Problem, int], list[float]]:
    """Trains by Adam and returns the losses."""

    def steps(model: torch.nn.Module, posed: Problem, count: int) -> list[float]:
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        losses: list[Tensor] = []
        for _ in range(count):
            optimizer.zero_grad()
            loss = posed.loss(model.train()(posed.graph), posed.graph)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return [float(loss) for loss in losses]

    return steps


@pytest.fixture
def draws() -> Callable[[int], Tensor]:
    """Skewed random numbers with negative ones among them, [40, 5] float64."""

    def make(seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(40, 5, generator=generator, dtype=torch.float64).exp() - 0.7

    return make

"""Graphs and problems that the strategies on one graph are tried on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.problem import Problem, Progress
from methods.strategy import Strategy

Pose = Callable[..., Problem]


@pytest.fixture
def random_graph() -> Adjacency:
    """An undirected random graph of 40 nodes without self-loops; nodes 36 to 39 are alone, node 0 knows half."""
    generator = torch.Generator().manual_seed(5)
    pairs = torch.randint(36, (2, 120), generator=generator)
    hub = torch.stack([torch.zeros(18, dtype=torch.int64), torch.arange(1, 19)])
    low, high = torch.cat([pairs, hub], 1).sort(0).values
    keys = (low * 40 + high)[low != high].unique()
    ends = torch.stack([keys // 40, keys % 40])
    sources, targets = torch.cat([ends, ends.flip(0)], 1)
    return Adjacency.from_edges(sources, targets, 40, symmetric=True)


@pytest.fixture
def pose() -> Pose:
    """Makes a problem of 3 classes on an adjacency, with 5 random features."""

    def make(adjacency: Adjacency, train: Tensor | None = None, hops: int | None = 2, seed: int = 0) -> Problem:
        generator = torch.Generator().manual_seed(11)
        mask = torch.ones(adjacency.rows, dtype=torch.bool)
        if train is not None:
            mask[:] = False
            mask[train] = True
        labels = torch.randint(3, (adjacency.rows,), generator=generator)
        labels[~mask] = -1
        view = GraphView(torch.randn(adjacency.rows, 5, generator=generator), adjacency, labels, mask)
        return Problem(view, "multiclass", 3, torch.Generator().manual_seed(seed), hops=hops)

    return make


@pytest.fixture
def epoch() -> Callable[[Strategy, Problem], list[GraphView]]:
    """The views of the next epoch of a strategy that was prepared."""

    def draw(strategy: Strategy, problem: Problem) -> list[GraphView]:
        steps = list(strategy.steps(problem, Progress(epoch=0, fraction=0.0)))
        assert all(len(step) == 1 and step[0].weight == 1 for step in steps)
        return [term.view for (term,) in steps]

    return draw


@pytest.fixture
def far_from() -> Callable[[list[Tensor], Tensor], float]:
    """How many standard errors the mean of some draws is from what it should be, at most over all elements."""

    def measure(draws: list[Tensor], truth: Tensor) -> float:
        values = torch.stack(draws).double()
        error = (values.mean(0) - truth).abs()
        # where all draws are equal only rounding is left
        standard = (values.std(0) / len(draws) ** 0.5).clamp(min=1e-6)
        return float((error / standard).max())

    return measure

"""A training problem on a random graph, the same every time, for benchmarks of what methods do with it."""

from __future__ import annotations

import torch

from bench.perf.contenders.graphs import power_law_edges
from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.problem import Problem

NODES, EDGES = 20_000, 120_000
"""Edges are counted once."""
FEATURES, CLASSES, TRAIN_SHARE = 64, 8, 0.5
THREADS = 2


def sample_view() -> GraphView:
    """Random features and labels on an undirected graph whose degrees have a power-law tail."""
    generator = torch.Generator().manual_seed(0)
    edges = power_law_edges(NODES, EDGES)
    return GraphView(
        x=torch.randn(NODES, FEATURES, generator=generator),
        adjacency=Adjacency.from_edges(edges[0], edges[1], NODES, symmetric=True),
        y=torch.randint(CLASSES, (NODES,), generator=generator),
        train_mask=torch.rand(NODES, generator=generator) < TRAIN_SHARE,
    )


def sample_problem() -> Problem:
    """Node classification on that view."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    return Problem(sample_view(), "multiclass", CLASSES, torch.Generator().manual_seed(0))

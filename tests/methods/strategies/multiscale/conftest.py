"""Graphs that the multiscale tests share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from bench.datasets.q_tips import q_tips
from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.problem import Problem


class Graphs:
    """Makes graphs, and dense matrices to compare with."""

    @staticmethod
    def random_adjacency(nodes: int, edges: int, symmetric: bool, seed: int) -> Adjacency:
        """Uniform random edges without self-loops, each once."""
        generator = torch.Generator().manual_seed(seed)
        sources, targets = torch.randint(nodes, (2, edges), generator=generator)
        sources, targets = sources[sources != targets], targets[sources != targets]
        if symmetric:
            sources, targets = torch.cat([sources, targets]), torch.cat([targets, sources])
        keys = (targets * nodes + sources).unique()
        return Adjacency.from_edges(keys % nodes, keys // nodes, nodes, symmetric)

    @staticmethod
    def path_of(nodes: int) -> Adjacency:
        """The undirected path 0 - 1 - 2 - ..."""
        low = torch.arange(nodes - 1)
        return Adjacency.from_edges(torch.cat([low, low + 1]), torch.cat([low + 1, low]), nodes, symmetric=True)

    @staticmethod
    def dense(adjacency: Adjacency) -> torch.Tensor:
        """The matrix with all its values, float64."""
        values = torch.ones(adjacency.entries) if adjacency.values is None else adjacency.values
        full = torch.zeros(adjacency.rows, adjacency.columns, dtype=torch.float64)
        full.index_put_((adjacency.row_of_entry(), adjacency.indices.long()), values.double(), accumulate=True)
        return full

    @staticmethod
    def view_of(
        adjacency: Adjacency, classes: int = 3, graph_ptr: torch.Tensor | None = None, seed: int = 0
    ) -> GraphView:
        """Five random features and random labels, half of them for training; the others are -1."""
        generator = torch.Generator().manual_seed(seed)
        y = torch.randint(classes, (adjacency.rows,), generator=generator)
        mask = torch.rand(adjacency.rows, generator=generator) < 0.5
        mask[0] = True
        x = torch.randn(adjacency.rows, 5, generator=generator)
        return GraphView(x, adjacency, y.masked_fill(~mask, -1), mask, graph_ptr=graph_ptr)

    @staticmethod
    def posed(graph: GraphView, seed: int = 0, outputs: int = 3) -> Problem:
        return Problem(graph, "multiclass", outputs, torch.Generator().manual_seed(seed))

    @staticmethod
    def union_of(*parts: Adjacency) -> GraphView:
        """Graphs side by side."""
        rows = torch.tensor([0, *[part.rows for part in parts]]).cumsum(0)
        entries = torch.tensor([0, *[part.entries for part in parts]]).cumsum(0)
        pointers = [part.indptr[1:].long() + start for part, start in zip(parts, entries, strict=False)]
        indices = [part.indices.long() + start for part, start in zip(parts, rows, strict=False)]
        symmetric = all(part.symmetric for part in parts)
        whole = Adjacency(torch.cat([entries[:1], *pointers]), torch.cat(indices), int(rows[-1]), symmetric=symmetric)
        return Graphs.view_of(whole, graph_ptr=rows)


@pytest.fixture(scope="session")
def graphs() -> type[Graphs]:
    return Graphs


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """These graphs are so small that threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tips() -> Problem:
    """64 Q-Tips graphs, every node a training label, float64 features."""
    # the generated set reads no files
    raw = q_tips(None, graphs=64)
    sources, targets = torch.from_numpy(np.array(raw.edge_index))
    proper = sources != targets
    x, y = torch.from_numpy(np.array(raw.x)).double(), torch.from_numpy(np.array(raw.y))
    adjacency = Adjacency.from_edges(sources[proper], targets[proper], len(x))
    pointers = torch.from_numpy(np.array(raw.graph_ptr))
    graph = GraphView(x, adjacency, y, torch.ones(len(y), dtype=torch.bool), graph_ptr=pointers)
    return Graphs.posed(graph, outputs=4)

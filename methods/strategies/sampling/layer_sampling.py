"""Layer-neighbour sampling, LABOR-0 (Balin and Catalyurek 2023)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from methods.adjacency import Adjacency, offsets
from methods.graph import GraphView
from methods.parameters import NonNegativeInt, PositiveInt
from methods.plugin import register
from methods.problem import Problem
from methods.strategies.one_view import OneView
from methods.strategies.sampling.expansion import Drawn, Expansion, hops_of
from methods.strategies.training_nodes import shuffled_batches


@register("strategy", "labor")
class LayerNeighborSampling(OneView):
    """Neighbour sampling in which the nodes of a batch agree on neighbours, so that fewer are met (LABOR-0, 2023).

    `neighbors` is the expected number of a node. Every entry of the expanded rows is looked at, so a step costs what
    the degrees add up to.
    """

    def __init__(
        self, *, batch_size: PositiveInt = 1024, neighbors: PositiveInt = 10, hops: NonNegativeInt | None = None
    ) -> None:
        self.batch_size, self.neighbors, self.hops = batch_size, neighbors, hops

    def prepare(self, problem: Problem) -> Problem:
        problem = super().prepare(problem)
        self._expansion = Expansion(problem.graph)
        return problem

    def views(self, problem: Problem) -> Iterable[GraphView]:
        adjacency, generator, hops = problem.graph.adjacency, problem.generator, hops_of(self.hops, problem)
        for seeds in shuffled_batches(self.train, self.batch_size, generator):
            yield self._expansion.view(seeds, hops, lambda rows: draw_layer(adjacency, rows, self.neighbors, generator))


def draw_layer(adjacency: Adjacency, rows: Tensor, expected: int, generator: torch.Generator) -> Drawn:
    """Each entry u of row v with probability min(1, expected / degree of v), by one random number for each u.

    Source: Balin and Catalyurek 2023, LABOR-0.
    """
    entries, degrees = adjacency.entries_of(rows)
    chances = (expected / degrees).clamp(max=1)  # of an empty row: 1
    numbers = torch.rand(adjacency.columns, generator=generator).to(rows.device)
    kept = numbers.index_select(0, adjacency.indices.index_select(0, entries)) < chances.repeat_interleave(degrees)
    return Drawn(entries[kept], offsets(kept)[offsets(degrees)].diff(), 1 / chances)

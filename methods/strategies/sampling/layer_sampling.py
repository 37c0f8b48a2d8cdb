"""Layer-neighbour sampling, LABOR-0 (Balin and Catalyurek 2023)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from methods.adjacency import Adjacency, concatenated_ranges, offsets
from methods.graph import GraphView
from methods.parameters import NonNegativeInt, PositiveInt
from methods.plugin import register
from methods.problem import Problem
from methods.stored_graph import StoredAdjacency
from methods.strategies.one_view import OneView
from methods.strategies.sampling.expansion import Drawn, Expansion, hops_of
from methods.strategies.training_nodes import shuffled_batches
from methods.strategy import Place


@register("strategy", "labor")
class LayerNeighborSampling(OneView):
    """Neighbour sampling in which the nodes of a batch agree on neighbours, so that fewer are met (LABOR-0, 2023).

    `neighbors` is the expected number of a node. Every entry of the expanded rows is looked at, so a step costs what
    the degrees add up to. `graph=disk` leaves the graph in its files.
    """

    def __init__(
        self,
        *,
        batch_size: PositiveInt = 1024,
        neighbors: PositiveInt = 10,
        hops: NonNegativeInt | None = None,
        graph: Place = "device",
    ) -> None:
        self.batch_size, self.neighbors, self.hops, self.graph = batch_size, neighbors, hops, graph

    @property
    def divides(self) -> bool:
        return True

    def prepare(self, problem: Problem) -> Problem:
        problem = super().prepare(problem)
        self._expansion = Expansion(problem.whole)
        return problem

    def views(self, problem: Problem) -> Iterable[GraphView]:
        adjacency, generator, hops = problem.whole.adjacency, problem.generator, hops_of(self.hops, problem)
        for seeds in problem.own(shuffled_batches(self.train, self.batch_size, problem.order)):
            yield self._expansion.view(seeds, hops, lambda rows: draw_layer(adjacency, rows, self.neighbors, generator))


def draw_layer(
    adjacency: Adjacency | StoredAdjacency, rows: Tensor, expected: int, generator: torch.Generator
) -> Drawn:
    """Each entry u of row v with probability min(1, expected / degree of v), by one random number for each u.

    Source: Balin and Catalyurek 2023, LABOR-0.
    """
    starts, degrees = adjacency.ranges(rows)
    entries = concatenated_ranges(starts, degrees)
    chances = (expected / degrees).clamp(max=1)  # of an empty row: 1
    numbers = numbers_of(adjacency.sources(entries), int(torch.randint(2**62, (), generator=generator)))
    kept = numbers < chances.repeat_interleave(degrees)
    return Drawn(entries[kept], offsets(kept)[offsets(degrees)].diff(), 1 / chances)


def numbers_of(nodes: Tensor, key: int) -> Tensor:
    """A random number of each node in [0, 1), float32; under one key a node has the same number wherever it is met.

    A hash instead of a table of all nodes, so that the cost follows what is looked at. Source: Steele et al. 2014,
    SplitMix64: its output function, on the node's own position in the sequence of the key.
    """
    state = (nodes + 1) * _GOLDEN_GAMMA + key
    for shift, factor in ((30, _MIX_1), (27, _MIX_2)):
        state = (state ^ _shifted(state, shift)) * factor
    return _shifted(state ^ _shifted(state, 31), 40).float() / 2**24


def _shifted(words: Tensor, bits: int) -> Tensor:
    """int64 moved right as if it had no sign."""
    return (words >> bits) & (2 ** (64 - bits) - 1)


# SplitMix64's constants, as int64
_GOLDEN_GAMMA = 0x9E3779B97F4A7C15 - 2**64
_MIX_1 = 0xBF58476D1CE4E5B9 - 2**64
_MIX_2 = 0x94D049BB133111EB - 2**64

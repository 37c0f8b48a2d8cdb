"""Neighbour sampling (Hamilton et al. 2017)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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
from methods.strategies.sampling.pyg_neighbors import PyGExpansion, has_compiled_sampler
from methods.strategies.training_nodes import shuffled_batches
from methods.strategy import Place


@register("strategy", "neighbor_sampling")
class NeighborSampling(OneView):
    """Mini-batches of training nodes with a few random neighbours a hop (GraphSAGE: Hamilton et al. 2017, Alg. 2).

    A node's neighbours are drawn once, without replacement, for all layers; a stored self-loop is one of them. `hops`
    none is as many as the network has; hops=0 gives plain mini-batches. PyG's compiled sampler draws where it is
    installed and the graph is in memory; `graph=disk` leaves the graph in its files.
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
        problem, compiled = super().prepare(problem), problem.stored is None and has_compiled_sampler()
        self._sampler = "pyg" if compiled else "torch"
        self._expansion = PyGExpansion(problem.graph, self.neighbors) if compiled else Expansion(problem.whole)
        return problem

    def views(self, problem: Problem) -> Iterable[GraphView]:
        adjacency, generator, hops = problem.whole.adjacency, problem.generator, hops_of(self.hops, problem)
        for seeds in problem.own(shuffled_batches(self.train, self.batch_size, problem.order)):
            if isinstance(self._expansion, PyGExpansion):
                yield self._expansion.view(seeds, hops, generator)
            else:
                yield self._expansion.view(
                    seeds, hops, lambda rows: draw_neighbors(adjacency, rows, self.neighbors, generator)
                )

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "sampler": self._sampler}


def draw_neighbors(
    adjacency: Adjacency | StoredAdjacency, rows: Tensor, most: int, generator: torch.Generator
) -> Drawn:
    """At most so many different entries of each row, all subsets equally likely; hubs cost no more than others."""
    starts, degrees = adjacency.ranges(rows)
    sizes = degrees.clamp(max=most)
    entries = concatenated_ranges(starts, sizes)
    crowded = (degrees > most).nonzero().squeeze(1)
    if crowded.numel():
        places = offsets(sizes)[crowded] + torch.arange(most, device=rows.device).unsqueeze(1)
        entries[places] = starts[crowded] + draw_subsets(degrees[crowded], most, generator)
    return Drawn(entries, sizes, degrees / sizes.clamp(min=1))


def draw_subsets(sizes: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """For each size n a random subset of 0 ... n - 1, all equally likely (Floyd's algorithm, Bentley and Floyd 1987).

    Args:
        sizes: [sets] int64, all at least `count`.

    Returns:
        [count, sets] int64.
    """
    uniform = torch.rand(count, sizes.numel(), generator=generator, dtype=torch.float64).to(sizes.device)
    chosen = sizes.new_empty(count, sizes.numel())
    for turn in range(count):
        last = sizes - count + turn
        picked = (uniform[turn] * (last + 1)).long()
        # in place of a number that is taken already comes the last one, which no earlier turn could take
        chosen[turn] = torch.where((chosen[:turn] == picked).any(0), last, picked)
    return chosen

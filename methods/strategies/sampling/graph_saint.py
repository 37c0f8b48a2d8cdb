"""GraphSAINT (Zeng et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import torch

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.graph import GraphView
from methods.parameters import PositiveInt
from methods.plugin import register
from methods.problem import Problem
from methods.strategies.one_view import OneView
from methods.strategies.sampling.saint_samplers import (
    Draw,
    Inclusion,
    counted,
    edge_sampler,
    node_sampler,
    walk_sampler,
)


@register("strategy", "graph_saint")
class GraphSAINT(OneView):
    """Subgraphs between drawn nodes, weighted so that messages and loss are estimated without bias (Zeng et al. 2020).

    `size` is how many nodes a step draws, with repetition: single nodes, ends of edges, or nodes of walks of
    `walk_length` steps. An epoch is as many steps as see about every node once. The weights are exact for nodes and
    edges; for walks they are counted in advance, until each node was met `coverage` times on average. A draw without
    a training label is repeated; where that is not rare, the loss comes out too large.
    """

    def __init__(
        self,
        *,
        sampler: Literal["node", "edge", "walk"] = "walk",
        size: PositiveInt = 6000,
        walk_length: PositiveInt = 2,
        coverage: PositiveInt = 50,
    ) -> None:
        self.sampler, self.size, self.walk_length, self.coverage = sampler, size, walk_length, coverage

    @property
    def divides(self) -> bool:
        return True

    def prepare(self, problem: Problem) -> Problem:
        problem, graph = super().prepare(problem), problem.graph
        self._redraws = self._trial_subgraphs = 0
        self._draw, inclusion = self._make(graph.adjacency, problem.generator)
        self._per_epoch = max(1, math.ceil(graph.num_nodes / float(inclusion.nodes.sum())))
        self._adjacency = normalized_messages(graph.adjacency, inclusion)
        reachable = graph.train_mask & (inclusion.nodes > 0)
        labels = int(reachable.sum())
        self._unreachable = len(self.train) - labels
        if not labels:
            raise MethodError(
                f"graph_saint(sampler={self.sampler}) never draws a node without edges, and all {self._unreachable} "
                "training nodes are such; use graph_saint(sampler=node)"
            )
        weights = torch.where(reachable, 1 / (labels * inclusion.nodes), 0)
        self._weighted = replace(graph, label_weights=weights.float())
        return problem

    def views(self, problem: Problem) -> Iterable[GraphView]:
        for _ in problem.own(range(self._per_epoch)):
            nodes = self._draw(problem.generator)
            while not problem.graph.train_mask.index_select(0, nodes).any():
                self._redraws += 1
                nodes = self._draw(problem.generator)
            yield self._weighted.on(nodes, self._adjacency.induced(nodes))

    def facts(self) -> dict[str, Any]:
        return {
            **super().facts(),
            "redraws": self._redraws,
            "trial_subgraphs": self._trial_subgraphs,
            "unreachable_training_nodes": self._unreachable,
        }

    def _make(self, adjacency: Adjacency, generator: torch.Generator) -> tuple[Draw, Inclusion]:
        if self.sampler == "node":
            return node_sampler(adjacency, self.size)
        if self.sampler == "edge":
            return edge_sampler(adjacency, max(1, self.size // 2))
        draw = walk_sampler(adjacency, max(1, self.size // (self.walk_length + 1)), self.walk_length)
        inclusion, self._trial_subgraphs = counted(adjacency, draw, self.coverage, generator)
        return draw, inclusion


def normalized_messages(adjacency: Adjacency, inclusion: Inclusion) -> Adjacency:
    """Entries times 1 / alpha, the chance of the receiving node over that of both ends.

    Source: Zeng et al. 2020, eq. 2; sums over neighbours in an induced subgraph are unbiased where the node is drawn.
    """
    scale = torch.where(inclusion.entries > 0, inclusion.nodes[adjacency.row_of_entry()] / inclusion.entries, 0).float()
    values = scale if adjacency.values is None else scale * adjacency.values
    return Adjacency(adjacency.indptr, adjacency.indices, adjacency.columns, values, row_sums=adjacency.sums())

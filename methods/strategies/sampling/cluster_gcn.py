"""Cluster-GCN (Chiang et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor

from methods.adjacency import concatenated_ranges, offsets
from methods.parameters import PositiveInt
from methods.partition import edge_cut, metis
from methods.plugin import register
from methods.problem import Problem
from methods.strategies.sampling.induced_parts import InducedParts


@register("strategy", "cluster_gcn")
class ClusterGCN(InducedParts):
    """Subgraphs of a few METIS clusters, with the edges between them (Chiang et al. 2019, Alg. 1).

    `parts_per_step` clusters are drawn together, anew each epoch (stochastic multiple partitions, section 3.2), and
    normalised by the degrees within their subgraph. `partition=random` is the paper's control.
    """

    def __init__(
        self,
        *,
        parts: PositiveInt = 100,
        parts_per_step: PositiveInt = 10,
        partition: Literal["metis", "random"] = "metis",
    ) -> None:
        self.parts, self.parts_per_step, self.partition = parts, parts_per_step, partition

    @property
    def divides(self) -> bool:
        return True

    def prepare(self, problem: Problem) -> Problem:
        problem = super().prepare(problem)
        adjacency, generator = problem.graph.adjacency, problem.generator
        if self.partition == "metis":
            part = metis(adjacency, self.parts, seed=int(torch.randint(2**31 - 1, (), generator=generator)))
        else:
            part = torch.randperm(adjacency.rows, generator=generator).to(problem.device) % self.parts
        self._edge_cut = edge_cut(adjacency, part)
        # the nodes, part after part
        self._nodes_by_part = torch.argsort(part, stable=True)
        self._sizes = torch.bincount(part, minlength=self.parts)
        self._starts = offsets(self._sizes)[:-1]
        return problem

    def pieces(self, problem: Problem) -> Iterable[Tensor]:
        order = torch.randperm(self.parts, generator=problem.order).to(problem.device)
        for chosen in problem.own(order.split(self.parts_per_step)):
            yield self._nodes_by_part[concatenated_ranges(self._starts[chosen], self._sizes[chosen])]

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "edge_cut": self._edge_cut}

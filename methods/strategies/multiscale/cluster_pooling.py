"""Cluster pooling: subgraphs of a few whole METIS clusters."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.graph import GraphView
from methods.partition import metis
from methods.problem import Problem
from methods.strategies.multiscale.pooling import Draw, Pooling


class ClusterPooling(Pooling):
    """Clusters in random order until exactly the wanted number of nodes is collected; the last one is cut at random.

    Unlike a search around one centre the subgraph comes from all over the graph, and unlike random nodes it keeps most
    of their edges.

    Args:
        parts: number of clusters.
        seed: of the partition.
    """

    def __init__(self, parts: int, seed: int) -> None:
        self.parts, self.seed = parts, seed

    def prepare(self, graph: GraphView) -> None:
        self.part = metis(graph.adjacency, min(self.parts, graph.num_nodes), self.seed)

    def select(self, graph: GraphView, kept: Tensor, draw: Draw) -> Tensor:
        # a cluster's turn comes when its first node does
        turn = draw.order.new_full((self.parts,), graph.num_nodes)
        place = torch.arange(draw.order.numel(), device=draw.order.device)
        turn.scatter_reduce_(0, self.part[draw.order], place, "amin")
        rank = torch.empty_like(draw.order)
        rank[draw.order] = place
        preference = torch.argsort(turn[self.part] * graph.num_nodes + rank)
        return preference[: int(kept)].sort().values


def cluster_seed(problem: Problem) -> int:
    """A seed for the partition, from the strategy's own random numbers."""
    return int(torch.randint(2**31 - 1, (), generator=problem.generator))

"""Random and subgraph pooling in turn (Gal et al. 2025, `random and subgraph`)."""

from __future__ import annotations

from torch import Tensor

from methods.graph import GraphView
from methods.strategies.multiscale.pooling import Draw, Pooling
from methods.strategies.multiscale.random_pooling import RandomPooling


class HybridPooling(Pooling):
    """Random nodes in the 1st, 3rd, 5th ... draw of a level, a subgraph in the others."""

    def __init__(self, subgraph: Pooling) -> None:
        self.turns = (RandomPooling(), subgraph)

    def prepare(self, graph: GraphView) -> None:
        for pooling in self.turns:
            pooling.prepare(graph)

    def select(self, graph: GraphView, kept: Tensor, draw: Draw) -> Tensor:
        return self.turns[draw.number % 2].select(graph, kept, draw)

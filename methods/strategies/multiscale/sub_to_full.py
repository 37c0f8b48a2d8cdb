"""Sub-to-full training: growing subgraphs around random centres (Gal et al. 2025)."""

from __future__ import annotations

from typing import Any, Literal

from methods.errors import MethodError, SpecError
from methods.plugin import register
from methods.problem import Problem
from methods.strategies.multiscale.cluster_pooling import ClusterPooling, cluster_seed
from methods.strategies.multiscale.coarsener import Coarsener
from methods.strategies.multiscale.level_by_level import LevelByLevel
from methods.strategies.multiscale.pooling import Pooling
from methods.strategies.multiscale.random_pooling import RandomPooling
from methods.strategies.multiscale.subgraph_pooling import EgoNetPooling, SubgraphPooling

CLUSTERS = 8
"""How many clusters make a subgraph of the coarsest level."""


@register("strategy", "sub_to_full")
class SubToFull(LevelByLevel):
    """Train on connected subgraphs of growing size, then on the graph itself (Gal et al. 2025).

    `ego` is a breadth-first search around a random centre, cut at exactly the level's number of nodes. `clusters` takes
    METIS clusters in random order, about 8 at the coarsest level; the paper lacks it. `random` is the control: the same
    schedule on random subgraphs of the same size.
    """

    def __init__(self, *, subgraphs: Literal["ego", "clusters", "random"] = "ego", **shared: Any) -> None:
        super().__init__(**shared)
        self.subgraphs = subgraphs
        if subgraphs == "clusters" and self.profile == "release":
            raise SpecError("subgraphs=clusters is not in the release; leave out profile")

    def make_coarsener(self, problem: Problem) -> Coarsener:
        return self.pooled(self._pooling(problem))

    def _pooling(self, problem: Problem) -> Pooling:
        if self.subgraphs == "random":
            return RandomPooling()
        if self.subgraphs == "ego":
            return EgoNetPooling() if self.profile == "release" else SubgraphPooling()
        if problem.graph.graph_ptr is not None:
            raise MethodError("subgraphs=clusters cuts one graph, but the data is a set of graphs; use subgraphs=ego")
        return ClusterPooling(round(CLUSTERS * self.ratio ** (self.levels - 1)), cluster_seed(problem))

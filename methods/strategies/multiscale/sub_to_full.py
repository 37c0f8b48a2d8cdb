"""Sub-to-full training: growing subgraphs around random centres (Gal et al. 2025)."""

from __future__ import annotations

from typing import Any, Literal

from methods.plugin import register
from methods.problem import Problem
from methods.strategies.multiscale.coarsener import Coarsener
from methods.strategies.multiscale.level_by_level import LevelByLevel
from methods.strategies.multiscale.pooling import Pooling
from methods.strategies.multiscale.random_pooling import RandomPooling
from methods.strategies.multiscale.subgraph_pooling import EgoNetPooling, SubgraphPooling


@register("strategy", "sub_to_full")
class SubToFull(LevelByLevel):
    """Train on connected subgraphs of growing size, then on the graph itself (Gal et al. 2025).

    `ego` is a breadth-first search around a random centre, cut at exactly the level's number of nodes. `random` is the
    control: the same schedule on random subgraphs of the same size.
    """

    def __init__(self, *, subgraphs: Literal["ego", "random"] = "ego", **shared: Any) -> None:
        super().__init__(**shared)
        self.subgraphs = subgraphs

    def make_coarsener(self, problem: Problem) -> Coarsener:
        pooling: Pooling = RandomPooling()
        if self.subgraphs == "ego":
            pooling = EgoNetPooling() if self.profile == "release" else SubgraphPooling()
        return self.pooled(pooling)

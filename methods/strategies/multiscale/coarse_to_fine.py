"""Coarse-to-fine training: a hierarchy of pooled graphs, coarsest first (Gal et al. 2025)."""

from __future__ import annotations

from typing import Any, Literal

from methods.errors import MethodError, SpecError
from methods.plugin import register
from methods.problem import Problem
from methods.strategies.multiscale.coarsener import Coarsener
from methods.strategies.multiscale.heavy_edge import HeavyEdgeCoarsener
from methods.strategies.multiscale.hybrid_pooling import HybridPooling
from methods.strategies.multiscale.level_by_level import LevelByLevel
from methods.strategies.multiscale.pooling import Pooling
from methods.strategies.multiscale.random_pooling import RandomPooling
from methods.strategies.multiscale.subgraph_pooling import EgoNetPooling, SubgraphPooling
from methods.strategies.multiscale.top_k_pooling import ReleasedTopKPooling, TopKPooling


@register("strategy", "coarse_to_fine")
class CoarseToFine(LevelByLevel):
    """Train on pooled graphs of growing size, then on the graph itself (Gal et al. 2025).

    `random`, `top_k` and `hybrid` are the paper's poolings. `heavy_edge` is the classical coarsening by matching, which
    the paper lacks; its levels are larger than wanted where matchings stall, and facts say by how much.
    """

    def __init__(
        self, *, pooling: Literal["random", "top_k", "hybrid", "heavy_edge"] = "random", **shared: Any
    ) -> None:
        super().__init__(**shared)
        self.pooling = pooling
        if pooling == "heavy_edge" and (self.power != 1 or self.profile == "release"):
            raise SpecError("pooling=heavy_edge keeps all edges and is not in the release; leave out power and profile")

    def make_coarsener(self, problem: Problem) -> Coarsener:
        if self.pooling != "heavy_edge":
            return self.pooled(self._pooling())
        if problem.categories is not None and self.levels > 1:
            raise MethodError("pooling=heavy_edge averages features, but here they are codes; use pooling=random")
        return HeavyEdgeCoarsener(self.ratio, self.max_neighbors)

    def _pooling(self) -> Pooling:
        release = self.profile == "release"
        if self.pooling == "random":
            return RandomPooling()
        if self.pooling == "top_k":
            return ReleasedTopKPooling() if release else TopKPooling()
        return HybridPooling(EgoNetPooling() if release else SubgraphPooling())

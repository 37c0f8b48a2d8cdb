"""APPNP (Gasteiger et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.backbones.propagation import Propagation, State
from methods.parameters import Fraction
from methods.plugin import register


@register("backbone", "appnp")
class APPNP(Propagation):
    """A perceptron's predictions spread by personalised PageRank (Gasteiger et al. 2019, eq. 4)."""

    def __init__(self, in_features: int, out_features: int, *, alpha: Fraction = 0.1, **shared) -> None:
        super().__init__(in_features, out_features, **shared)
        self.alpha = alpha

    def states(self, start: Tensor, adjacency: Adjacency) -> Iterator[State]:
        operator = adjacency.normalized("symmetric", self_loops=True)
        spread = start
        yield State(spread, {})
        for _ in range(self.steps):
            spread = (1 - self.alpha) * aggregate(operator, spread) + self.alpha * start
            yield State(spread, {})

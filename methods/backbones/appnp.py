"""APPNP (Gasteiger et al. 2019)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.backbones.backbone import Backbone
from methods.dropout import dropout, relu_dropout
from methods.parameters import DropoutRate, Fraction, PositiveInt
from methods.plugin import register


@register("backbone", "appnp")
class APPNP(Backbone):
    """A perceptron's predictions spread by personalised PageRank (Gasteiger et al. 2019, eq. 4)."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        layers: PositiveInt = 2,
        hidden: PositiveInt = 64,
        dropout: DropoutRate = 0.5,
        steps: PositiveInt = 10,
        alpha: Fraction = 0.1,
    ) -> None:
        super().__init__()
        self.hops = steps
        widths = [in_features, *[hidden] * (layers - 1), out_features]
        self.linears = nn.ModuleList(nn.Linear(wide, narrow) for wide, narrow in pairwise(widths))
        self.dropout, self.steps, self.alpha = dropout, steps, alpha

    def node_outputs(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        operator = adjacency.normalized("symmetric", self_loops=True)
        x = dropout(x, self.dropout, self.training)
        for linear in self.linears[:-1]:
            x = relu_dropout(linear(x), self.dropout, self.training)
        start = self.linears[-1](x)
        spread = start
        for _ in range(self.steps):
            spread = (1 - self.alpha) * aggregate(operator, spread) + self.alpha * start
        return spread

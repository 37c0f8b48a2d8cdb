"""GIN (Xu et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.backbones.network import Convolution, Network
from methods.invariance import Layer
from methods.plugin import register


@register("backbone", "gin")
class GIN(Network):
    """Sum over neighbours and self through a two-layer perceptron (Xu et al. 2019, eq. 4.1)."""

    def __init__(self, in_features: int, out_features: int, *, learn_epsilon: bool = False, **shared) -> None:
        self.learn_epsilon = learn_epsilon
        super().__init__(in_features, out_features, **shared)

    def convolution(self, in_features: int, out_features: int, last: bool) -> Convolution:
        # the last perceptron keeps the width of its input, the others that of their output
        return GINConvolution(in_features, in_features if last else out_features, out_features, self.learn_epsilon)

    def mixer(self, width: int) -> tuple[Convolution, int]:
        return SumWithSelf(self.learn_epsilon), width


class SumWithSelf(Convolution):
    """(1 + epsilon) x + sum over neighbours."""

    def __init__(self, learn_epsilon: bool) -> None:
        super().__init__()
        self.epsilon = nn.Parameter(torch.zeros(())) if learn_epsilon else None

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        neighbors, own = aggregate(adjacency.normalized("none"), x), adjacency.own(x)
        return neighbors + own if self.epsilon is None else neighbors + (1 + self.epsilon) * own


class GINConvolution(Convolution):
    """MLP((1 + epsilon) x + sum over neighbours)."""

    def __init__(self, in_features: int, between: int, out_features: int, learn_epsilon: bool) -> None:
        super().__init__()
        self.total = SumWithSelf(learn_epsilon)
        self.first = nn.Linear(in_features, between)
        self.second = nn.Linear(between, out_features)

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        return self.second(nn.functional.relu(self.first(self.total(x, adjacency))))

    def layers(self) -> list[Layer]:
        return [Layer((linear.weight,), biases=(linear.bias,)) for linear in (self.first, self.second)]

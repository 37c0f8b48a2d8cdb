"""GraphSAGE with the mean aggregator (Hamilton et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.backbones.network import Convolution, Network
from methods.invariance import Layer
from methods.plugin import register


@register("backbone", "sage")
class SAGE(Network):
    """Mean over neighbours beside the node's own features (Hamilton et al. 2017)."""

    def convolution(self, in_features: int, out_features: int, last: bool) -> Convolution:
        return SAGEConvolution(in_features, out_features)

    def mixer(self, width: int) -> tuple[Convolution, int]:
        return NeighborsBeside(), 2 * width


class SAGEConvolution(Convolution):
    """W_self x + W_neighbors mean(x) + b."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.of_neighbors = nn.Linear(in_features, out_features)
        self.of_self = nn.Linear(in_features, out_features, bias=False)

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        mean = adjacency.normalized("mean")
        if self.of_self.in_features < self.of_self.out_features or mean.rows < mean.columns:
            return self.of_self(adjacency.own(x)) + self.of_neighbors(aggregate(mean, x))
        neighbors = aggregate(mean, nn.functional.linear(x, self.of_neighbors.weight))
        return neighbors.add_(self.of_self(x)).add_(self.of_neighbors.bias)

    def layers(self) -> list[Layer]:
        return [Layer((self.of_neighbors.weight, self.of_self.weight), biases=(self.of_neighbors.bias,))]


class NeighborsBeside(Convolution):
    """[x, mean over neighbours]."""

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        return torch.cat([adjacency.own(x), aggregate(adjacency.normalized("mean"), x)], dim=1)

"""GCN (Kipf and Welling 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.backbones.network import Convolution, Network
from methods.invariance import Layer
from methods.plugin import register


@register("backbone", "gcn")
class GCN(Network):
    """Symmetrically normalised sum over neighbours and self, then a linear map (Kipf and Welling 2017)."""

    def convolution(self, in_features: int, out_features: int, last: bool) -> Convolution:
        return GCNConvolution(in_features, out_features)

    def mixer(self, width: int) -> tuple[Convolution, int]:
        return Propagation(), width


class Propagation(Convolution):
    """D^-1/2 (A + I) D^-1/2 x."""

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        return aggregate(adjacency.normalized("symmetric", self_loops=True), x)


class GCNConvolution(Convolution):
    """D^-1/2 (A + I) D^-1/2 x W + b, multiplied in the cheaper order."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        operator = adjacency.normalized("symmetric", self_loops=True)
        out_features, in_features = self.weight.shape
        if in_features < out_features:
            return nn.functional.linear(aggregate(operator, x), self.weight, self.bias)
        return aggregate(operator, nn.functional.linear(x, self.weight)).add_(self.bias)

    def layers(self) -> list[Layer]:
        return [Layer((self.weight,), biases=(self.bias,))]

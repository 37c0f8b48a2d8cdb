"""GCN (Kipf and Welling 2017)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.backbones.backbone import State
from methods.backbones.network import Convolution, Network, PlainBody
from methods.invariance import Layer
from methods.lowbit.grid import Grid
from methods.plugin import register


@register("backbone", "gcn")
class GCN(Network):
    """Symmetrically normalised sum over neighbours and self, then a linear map (Kipf and Welling 2017)."""

    def convolution(self, in_features: int, out_features: int, last: bool) -> Convolution:
        return GCNConvolution(in_features, out_features)

    def layer_states(self, x: Tensor, adjacency: Adjacency) -> Iterator[State]:
        return self.states(x, adjacency)

    def packed(self, grids: Mapping[str, Grid]) -> nn.Module | None:
        from methods.lowbit.packed_gcn import ConvolutionGrids, PackedGCN

        if not isinstance(self.body, PlainBody) or not self.body.is_bare():
            return None
        convolutions = cast("list[GCNConvolution]", list(self.body.convolutions))
        names = [
            (f"linear{layer}.input", f"linear{layer}.weight", f"aggregate{layer}.operand", f"linear{layer}.output",
             f"aggregate{layer}.result")
            for layer in range(len(convolutions))
        ]  # fmt: skip
        if any(name not in grids for layer in names for name in layer):
            return None  # some site stays in 32 bits, or sums go over rounded messages
        of_layers = [ConvolutionGrids(*(grids[name] for name in layer)) for layer in names]
        weights, biases = ([getattr(each, name).detach() for each in convolutions] for name in ("weight", "bias"))
        return PackedGCN(weights, biases, of_layers)

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
        if in_features < out_features or operator.rows < operator.columns:
            return nn.functional.linear(aggregate(operator, x), self.weight, self.bias)
        return aggregate(operator, nn.functional.linear(x, self.weight)).add_(self.bias)

    def layers(self) -> list[Layer]:
        return [Layer((self.weight,), biases=(self.bias,))]

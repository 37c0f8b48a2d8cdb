"""GATv2 (Brody et al. 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import attend_dynamic
from methods.backbones.network import Convolution, Network
from methods.errors import SpecError
from methods.invariance import Layer
from methods.parameters import DropoutRate, PositiveInt
from methods.plugin import register


@register("backbone", "gatv2")
class GATv2(Network):
    """Attention that ranks neighbours anew for every node, several heads side by side (Brody et al. 2022).

    `hidden` is the width of all heads together. A last convolution averages `output_heads` heads. `share_weights` uses
    one matrix for both ends of an edge, as Mustafa and Burkholz 2024 do. A node without in-neighbours gets zeros (plus
    bias) where `self_loops` is off.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        heads: PositiveInt = 8,
        output_heads: PositiveInt = 1,
        attention_dropout: DropoutRate = 0.0,
        share_weights: bool = False,
        bias: bool = True,
        self_loops: bool = True,
        **shared,
    ) -> None:
        hidden = shared.get("hidden", 256)
        if hidden % heads:
            raise SpecError(f"gatv2(hidden={hidden},heads={heads}) is not possible; hidden must be a multiple of heads")
        self.heads, self.output_heads, self.attention_dropout = heads, output_heads, attention_dropout
        self.share_weights, self.bias, self.self_loops = share_weights, bias, self_loops
        super().__init__(in_features, out_features, **shared)

    def convolution(self, in_features: int, out_features: int, last: bool) -> Convolution:
        heads = self.output_heads if last else self.heads
        return self._layer(in_features, out_features if last else out_features // heads, heads, average=last)

    def mixer(self, width: int) -> tuple[Convolution, int]:
        return self._layer(width, width // self.heads, self.heads, average=False), width

    def _layer(self, in_features: int, channels: int, heads: int, average: bool) -> GATv2Convolution:
        return GATv2Convolution(
            in_features,
            channels,
            heads,
            average,
            dropout=self.attention_dropout,
            share_weights=self.share_weights,
            bias=self.bias,
            self_loops=self.self_loops,
        )


class GATv2Convolution(Convolution):
    """softmax(a . LeakyReLU(W_source x_u + W_target x_v)) weighted sum of W_source x_u, heads joined or averaged."""

    def __init__(
        self,
        in_features: int,
        channels: int,
        heads: int,
        average: bool,
        *,
        dropout: float,
        share_weights: bool,
        bias: bool,
        self_loops: bool,
    ) -> None:
        super().__init__()
        self.source_weight = nn.Parameter(torch.empty(heads * channels, in_features))
        self.target_weight = None if share_weights else nn.Parameter(torch.empty(heads * channels, in_features))
        self.attention = nn.Parameter(torch.empty(heads, channels))
        self.bias = nn.Parameter(torch.zeros(channels if average else heads * channels)) if bias else None
        for parameter in (*self._weights(), self.attention):
            nn.init.xavier_uniform_(parameter)
        self.average, self.dropout, self.self_loops = average, dropout, self_loops

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        ends = [nn.functional.linear(x, weight).view(-1, *self.attention.shape) for weight in self._weights()]
        out = attend_dynamic(
            adjacency.normalized("none", self_loops=self.self_loops),
            ends[0],
            adjacency.own(ends[-1]),
            self.attention,
            dropout=self.dropout if self.training else 0.0,
        )
        out = out.mean(1) if self.average else out.flatten(1)
        # attention needs its output for backward, and the activation may work in place
        return out.clone() if self.bias is None else out + self.bias

    def layers(self) -> list[Layer]:
        return [Layer(self._weights(), (self.attention,), () if self.bias is None else (self.bias,))]

    def _weights(self) -> tuple[nn.Parameter, ...]:
        """The matrix of sources and, unless both ends share it, that of targets."""
        return (self.source_weight,) if self.target_weight is None else (self.source_weight, self.target_weight)

"""GAT (Velickovic et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import attend
from methods.backbones.network import Convolution, Network
from methods.errors import SpecError
from methods.invariance import Layer
from methods.parameters import DropoutRate, PositiveInt
from methods.plugin import register


@register("backbone", "gat")
class GAT(Network):
    """Attention over neighbours and self, several heads side by side (Velickovic et al. 2018).

    `hidden` is the width of all heads together. A last convolution averages `output_heads` heads.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        heads: PositiveInt = 8,
        output_heads: PositiveInt = 1,
        attention_dropout: DropoutRate = 0.0,
        **shared,
    ) -> None:
        hidden = shared.get("hidden", 256)
        if hidden % heads:
            raise SpecError(f"gat(hidden={hidden},heads={heads}) is not possible; hidden must be a multiple of heads")
        self.heads, self.output_heads, self.attention_dropout = heads, output_heads, attention_dropout
        super().__init__(in_features, out_features, **shared)

    def convolution(self, in_features: int, out_features: int, last: bool) -> Convolution:
        heads = self.output_heads if last else self.heads
        channels = out_features if last else out_features // heads
        return GATConvolution(in_features, channels, heads, average=last, dropout=self.attention_dropout)

    def mixer(self, width: int) -> tuple[Convolution, int]:
        return GATConvolution(
            width, width // self.heads, self.heads, average=False, dropout=self.attention_dropout
        ), width


class GATConvolution(Convolution):
    """softmax(LeakyReLU(a_source . W x_u + a_target . W x_v)) weighted sum of W x_u, heads concatenated or averaged."""

    def __init__(self, in_features: int, channels: int, heads: int, average: bool, dropout: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(heads * channels, in_features))
        self.source_attention = nn.Parameter(torch.empty(heads, channels))
        self.target_attention = nn.Parameter(torch.empty(heads, channels))
        self.bias = nn.Parameter(torch.zeros(channels if average else heads * channels))
        for parameter in (self.weight, self.source_attention, self.target_attention):
            nn.init.xavier_uniform_(parameter)
        self.heads, self.channels, self.average, self.dropout = heads, channels, average, dropout

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        messages = nn.functional.linear(x, self.weight).view(-1, self.heads, self.channels)
        out = attend(
            adjacency.normalized("none", self_loops=True),
            self._scores(x, self.source_attention),
            self._scores(adjacency.own(x), self.target_attention),
            messages,
            dropout=self.dropout if self.training else 0.0,
        )
        return (out.mean(1) if self.average else out.flatten(1)) + self.bias

    def layers(self) -> list[Layer]:
        return [Layer((self.weight,), (self.source_attention, self.target_attention), (self.bias,))]

    def _scores(self, x: Tensor, attention: Tensor) -> Tensor:
        # a . (W x) = (a W) x: a product with [heads, in] instead of a pass over all messages
        folded = (attention.unsqueeze(-1) * self.weight.view(self.heads, self.channels, -1)).sum(1)
        return nn.functional.linear(x, folded)

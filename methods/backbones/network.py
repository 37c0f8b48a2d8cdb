"""The stack of convolutions that GCN, GraphSAGE, GIN, GAT and MLP share; they differ only in their convolution."""

from __future__ import annotations

from abc import abstractmethod
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.backbones.backbone import Backbone
from methods.dropout import dropout, relu_dropout
from methods.errors import SpecError
from methods.parameters import DropoutRate, PositiveInt

Norm = Literal["none", "batch", "layer"]


class Convolution(nn.Module):
    """One message-passing layer: `forward(x, adjacency)`, [nodes, in] to [nodes, out]."""

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        raise NotImplementedError


class Network(Backbone):
    """Layers of one convolution, in one of two published block styles.

    `plain`: convolution (+ linear residual) -> norm -> ReLU -> dropout, as in Kipf and Welling 2017 and, with
    `residual`, `norm` and `head=linear`, in tunedGNN (Luo et al. 2024). `feed_forward`: x + FFN(mix(norm(x))) between
    a linear encoder and decoder, as in Platonov et al. 2023.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        layers: PositiveInt = 3,
        hidden: PositiveInt = 256,
        dropout: DropoutRate = 0.5,
        input_dropout: DropoutRate = 0.0,
        norm: Norm = "none",
        residual: bool = False,
        head: Literal["convolution", "linear"] = "convolution",
        block: Literal["plain", "feed_forward"] = "plain",
    ) -> None:
        super().__init__()
        self.hops = layers
        if block == "feed_forward" and (residual or head != "convolution" or input_dropout):
            raise SpecError(
                "block=feed_forward has its own residual and head; leave out residual, head and input_dropout"
            )
        self.body: nn.Module
        if block == "plain":
            self.body = PlainBody(
                self, in_features, out_features, layers, hidden, dropout, norm, input_dropout, residual, head
            )
        else:
            self.body = FeedForwardBody(self, in_features, out_features, layers, hidden, dropout, norm)

    @abstractmethod
    def convolution(self, in_features: int, out_features: int, last: bool) -> Convolution:
        """One layer of the plain style; `last` when its outputs are the network's."""

    @abstractmethod
    def mixer(self, width: int) -> tuple[Convolution, int]:
        """Message passing of the feed-forward style, [nodes, width] to [nodes, returned width]."""

    def node_outputs(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        return self.body(x, adjacency)


class PlainBody(nn.Module):
    """convolution (+ linear residual) -> norm -> ReLU -> dropout; the last layer is bare, or a linear head follows."""

    def __init__(
        self,
        network: Network,
        in_features: int,
        out_features: int,
        layers: int,
        hidden: int,
        dropout: float,
        norm: Norm,
        input_dropout: float,
        residual: bool,
        head: str,
    ) -> None:
        super().__init__()
        widths = [in_features, *[hidden] * (layers if head == "linear" else layers - 1)]
        if head == "convolution":
            widths.append(out_features)
        self.convolutions = nn.ModuleList()
        for layer, (wide, narrow) in enumerate(pairwise(widths)):
            last = head == "convolution" and layer == len(widths) - 2
            self.convolutions.append(network.convolution(wide, narrow, last))
        hidden_layers = len(widths) - 1 - (head == "convolution")
        self.norms = nn.ModuleList(make_norm(norm, hidden) for _ in range(hidden_layers))
        self.residuals = nn.ModuleList(nn.Linear(wide, hidden) for wide in widths[:hidden_layers] if residual)
        self.head = nn.Linear(hidden, out_features) if head == "linear" else None
        self.dropout, self.input_dropout = dropout, input_dropout

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        x = dropout(x, self.input_dropout, self.training)
        for layer, norm in enumerate(self.norms):
            update = self.convolutions[layer](x, adjacency)
            if self.residuals:
                update = update + self.residuals[layer](x)
            x = relu_dropout(norm(update), self.dropout, self.training)
        return self.convolutions[-1](x, adjacency) if self.head is None else self.head(x)


class FeedForwardBody(nn.Module):
    """Linear encoder, residual blocks of message passing and a two-layer perceptron, norm, linear decoder."""

    def __init__(
        self,
        network: Network,
        in_features: int,
        out_features: int,
        layers: int,
        hidden: int,
        dropout: float,
        norm: Norm,
    ) -> None:
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.blocks = nn.ModuleList(FeedForwardBlock(network, hidden, dropout, norm) for _ in range(layers))
        self.norm = make_norm(norm, hidden)
        self.decoder = nn.Linear(hidden, out_features)
        self.dropout = dropout

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        x = nn.functional.gelu(dropout(self.encoder(x), self.dropout, self.training))
        for block in self.blocks:
            x = block(x, adjacency)
        return self.decoder(self.norm(x))


class FeedForwardBlock(nn.Module):
    """x + FFN(mix(norm(x)))."""

    def __init__(self, network: Network, hidden: int, dropout: float, norm: Norm) -> None:
        super().__init__()
        self.norm = make_norm(norm, hidden)
        self.mixer, mixed = network.mixer(hidden)
        self.expand = nn.Linear(mixed, hidden)
        self.contract = nn.Linear(hidden, hidden)
        self.dropout = dropout

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        update = self.expand(self.mixer(self.norm(x), adjacency))
        update = self.contract(nn.functional.gelu(dropout(update, self.dropout, self.training)))
        return x + dropout(update, self.dropout, self.training)


def make_norm(kind: Norm, width: int) -> nn.Module:
    """Batch norm over nodes, layer norm over features, or nothing."""
    return {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[kind](width)

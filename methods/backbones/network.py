"""The stack of convolutions that GCN, GraphSAGE, GIN, GAT and MLP share; they differ only in their convolution."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal, cast

from torch import Tensor, nn
from torch.nn import functional

from methods.adjacency import Adjacency
from methods.backbones.backbone import Backbone, Stages, State, last_state
from methods.backbones.initialization import Initialization, initialize
from methods.dropout import dropout, relu_dropout
from methods.errors import SpecError
from methods.invariance import Invariance, Layer, Units, between, chain
from methods.parameters import DropoutRate, PositiveInt

Norm = Literal["none", "batch", "layer"]
Activation = Literal["relu", "leaky_relu", "elu", "tanh"]

_HOMOGENEOUS = ("relu", "leaky_relu")


class Convolution(nn.Module):
    """One message-passing layer: `forward(x, adjacency)`, [nodes, in] to [nodes, out].

    It multiplies with operators that `adjacency.normalized` gives and takes what belongs to their rows by
    `adjacency.own`, so that it can compute some of the nodes only.
    """

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        raise NotImplementedError

    def layers(self) -> list[Layer]:
        """Its layers of weights from input to output, a ReLU between two of them; none where it has no weights."""
        return []


@dataclass(frozen=True)
class _Shape:
    """What the two block styles are built from."""

    layers: int
    hidden: int
    dropout: float
    norm: Norm
    activation: Activation
    input_dropout: float
    residual: bool
    head: str


class Network(Backbone):
    """Layers of one convolution, in one of two published block styles.

    `plain`: convolution (+ linear residual) -> norm -> activation -> dropout, as in Kipf and Welling 2017 and, with
    `residual`, `norm` and `head=linear`, in tunedGNN (Luo et al. 2024). `feed_forward`: x + FFN(mix(norm(x))) between
    a linear encoder and decoder, as in Platonov et al. 2023. `initialization` draws the matrices of the plain style in
    another way than the convolution does; see `methods.backbones.initialization`.
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
        activation: Activation = "relu",
        initialization: Initialization = "default",
    ) -> None:
        super().__init__()
        self.hops = layers
        shape = _Shape(layers, hidden, dropout, norm, activation, input_dropout, residual, head)
        self.body: PlainBody | FeedForwardBody
        if residual and initialization != "default":
            raise SpecError(f"initialization={initialization} is for a chain of layers; leave out residual")
        if block == "plain":
            self.body = PlainBody(self, in_features, out_features, shape)
        else:
            unusual = head != "convolution", activation != "relu", initialization != "default"
            if residual or input_dropout or any(unusual):
                raise SpecError(
                    "block=feed_forward has its own residual, head, activation and initialization; leave out residual, "
                    "head, input_dropout, activation and initialization"
                )
            self.body = FeedForwardBody(self, in_features, out_features, shape)
        initialize(self.body.invariance().layers, initialization)

    @abstractmethod
    def convolution(self, in_features: int, out_features: int, last: bool) -> Convolution:
        """One layer of the plain style; `last` when its outputs are the network's."""

    @abstractmethod
    def mixer(self, width: int) -> tuple[Convolution, int]:
        """Message passing of the feed-forward style, [nodes, width] to [nodes, returned width]."""

    def stages(self) -> Stages:
        return Stages(self.body.entered, self.body.layers(), self.body.outputs)

    def states(self, x: Tensor, adjacency: Adjacency) -> Iterator[State]:
        """What enters the first layer, and what each layer makes of it; see `Backbone.layer_states`."""
        stages = self.stages()
        x = stages.first(x)
        yield State(x, {})
        for layer in stages.layers:
            x = layer(x, adjacency)
            yield State(x, {})

    def node_outputs(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        return self.body.outputs(last_state(self.states(x, adjacency)).outputs)

    def invariance(self) -> Invariance:
        return self.body.invariance()


class PlainBody(nn.Module):
    """convolution (+ residual) -> norm -> activation -> dropout; the last layer is bare, or a linear head follows."""

    def __init__(self, network: Network, in_features: int, out_features: int, shape: _Shape) -> None:
        super().__init__()
        linear_head = shape.head == "linear"
        widths = [in_features, *[shape.hidden] * (shape.layers - 1 + linear_head)]
        if not linear_head:
            widths.append(out_features)
        self.convolutions = nn.ModuleList()
        for layer, (wide, narrow) in enumerate(pairwise(widths)):
            last = not linear_head and layer == len(widths) - 2
            self.convolutions.append(network.convolution(wide, narrow, last))
        hidden_layers = len(widths) - 2 + linear_head
        self.norms = nn.ModuleList(make_norm(shape.norm, shape.hidden) for _ in range(hidden_layers))
        self.residuals = nn.ModuleList(
            nn.Linear(wide, shape.hidden) for wide in widths[:hidden_layers] if shape.residual
        )
        self.head = nn.Linear(shape.hidden, out_features) if linear_head else None
        self.dropout, self.input_dropout, self.activation = shape.dropout, shape.input_dropout, shape.activation

    def entered(self, x: Tensor) -> Tensor:
        """What enters the first layer: the features, [nodes, in_features]."""
        return dropout(x, self.input_dropout, self.training)

    def layers(self) -> list[Callable[[Tensor, Adjacency], Tensor]]:
        """The convolutions, each with what follows it."""
        hidden: list[Callable[[Tensor, Adjacency], Tensor]] = [
            partial(self._hidden, layer) for layer in range(len(self.norms))
        ]
        return hidden if self.head is not None else [*hidden, self.convolutions[-1]]

    def _hidden(self, layer: int, x: Tensor, adjacency: Adjacency) -> Tensor:
        update = self.convolutions[layer](x, adjacency)
        if self.residuals:
            update = update + self.residuals[layer](adjacency.own(x))
        return self._activated(self.norms[layer](update))

    def outputs(self, x: Tensor) -> Tensor:
        """The network's outputs of the last state, [nodes, out_features]."""
        return x if self.head is None else self.head(x)

    def is_bare(self) -> bool:
        """Whether there is nothing but convolutions and ReLU in evaluation."""
        norms = any(not isinstance(norm, nn.Identity) for norm in self.norms)
        return not norms and not self.residuals and self.head is None and self.activation == "relu"

    def _activated(self, x: Tensor) -> Tensor:
        if self.activation == "relu":
            return relu_dropout(x, self.dropout, self.training)
        return dropout(getattr(functional, self.activation)(x), self.dropout, self.training)

    def invariance(self) -> Invariance:
        """All hidden units: those inside convolutions, and the outputs of all but the last layer."""
        residuals = cast("list[nn.Linear]", list(self.residuals))
        blocks = [convolution.layers() for convolution in cast("list[Convolution]", list(self.convolutions))]
        if not all(blocks):
            return Invariance((), ())
        inside = [chain(block) for block in blocks]
        for block, residual in zip(blocks, residuals, strict=False):  # the last convolution may have none
            made = block[-1]
            block[-1] = Layer((*made.weights, residual.weight), made.attention, (*made.biases, residual.bias))
        if self.head is not None:
            blocks.append([_of_linear(self.head)])
        units: list[Units] = []
        for position, norm in enumerate(self.norms):
            following = blocks[position + 1][0].weights
            # a residual reads what its convolution reads, and stands with that convolution's last layer already
            beside = (residual.weight for residual in residuals[position + 1 : position + 2])
            readers = tuple(dict.fromkeys((*following, *beside)))
            units += [*inside[position], between(blocks[position][-1], readers, norm)]
        units += [unit for left in inside[len(self.norms) :] for unit in left]
        layers = tuple(layer for block in blocks for layer in block)
        return Invariance(layers, tuple(units), exact=self.activation in _HOMOGENEOUS)


class FeedForwardBody(nn.Module):
    """Linear encoder, residual blocks of message passing and a two-layer perceptron, norm, linear decoder."""

    def __init__(self, network: Network, in_features: int, out_features: int, shape: _Shape) -> None:
        super().__init__()
        width = shape.hidden
        self.encoder = nn.Linear(in_features, width)
        self.blocks = nn.ModuleList(
            FeedForwardBlock(network, width, shape.dropout, shape.norm) for _ in range(shape.layers)
        )
        self.norm = make_norm(shape.norm, width)
        self.decoder = nn.Linear(width, out_features)
        self.dropout = shape.dropout

    def entered(self, x: Tensor) -> Tensor:
        """What enters the first block: the encoder's output, [nodes, hidden]."""
        return nn.functional.gelu(dropout(self.encoder(x), self.dropout, self.training))

    def layers(self) -> list[Callable[[Tensor, Adjacency], Tensor]]:
        """The blocks."""
        return list(self.blocks)

    def outputs(self, x: Tensor) -> Tensor:
        """The network's outputs of the last state, [nodes, out_features]."""
        return self.decoder(self.norm(x))

    def invariance(self) -> Invariance:
        """The units of the perceptrons; GELU is not homogeneous, so rescaling them changes the function."""
        layers, units = [_of_linear(self.encoder)], list[Units]()
        for block in cast("list[FeedForwardBlock]", list(self.blocks)):
            perceptron = [_of_linear(block.expand), _of_linear(block.contract)]
            layers += [*block.mixer.layers(), *perceptron]
            units += chain(perceptron)
        return Invariance((*layers, _of_linear(self.decoder)), tuple(units), exact=False)


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
        return adjacency.own(x) + dropout(update, self.dropout, self.training)


def make_norm(kind: Norm, width: int) -> nn.Module:
    """Batch norm over nodes, layer norm over features, or nothing."""
    return {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[kind](width)


def _of_linear(linear: nn.Linear) -> Layer:
    return Layer((linear.weight,), biases=(linear.bias,))

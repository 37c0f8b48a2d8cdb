"""GCNII (Chen et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.backbones.backbone import Backbone, State, last_state
from methods.dropout import dropout, relu_dropout
from methods.invariance import Invariance, Layer, Units
from methods.parameters import DropoutRate, Fraction, NonNegative, PositiveInt
from methods.plugin import register


@register("backbone", "gcnii")
class GCNII(Backbone):
    """Deep GCN with initial residual and identity mapping (Chen et al. 2020, eq. 5)."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        layers: PositiveInt = 8,
        hidden: PositiveInt = 64,
        dropout: DropoutRate = 0.5,
        alpha: Fraction = 0.1,
        theta: NonNegative = 0.5,
    ) -> None:
        super().__init__()
        self.hops = layers
        self.encoder = nn.Linear(in_features, hidden)
        self.weights = nn.ModuleList(nn.Linear(hidden, hidden, bias=False) for _ in range(layers))
        self.decoder = nn.Linear(hidden, out_features)
        self.dropout, self.alpha, self.theta = dropout, alpha, theta

    def invariance(self) -> Invariance:
        # the initial residual and the identity mapping tie all layers: one lambda a unit, from encoder to decoder
        weights = tuple(self.weights.parameters())
        units = Units(
            self.encoder.out_features,
            incoming=(self.encoder.weight, *weights),
            outgoing=(*weights, self.decoder.weight),
            biases=(self.encoder.bias,),
        )
        encoder = Layer((self.encoder.weight,), biases=(self.encoder.bias,))
        decoder = Layer((self.decoder.weight,), biases=(self.decoder.bias,))
        return Invariance((encoder, *(Layer((weight,)) for weight in weights), decoder), (units,))

    def layer_states(self, x: Tensor, adjacency: Adjacency) -> Iterator[State]:
        """The encoder's output, and that of each layer behind its ReLU, [nodes, hidden] each."""
        operator = adjacency.normalized("symmetric", self_loops=True)
        x = dropout(x, self.dropout, self.training)
        initial = nn.functional.relu(self.encoder(x))
        yield State(initial, {})
        x = dropout(initial, self.dropout, self.training)
        for layer, weight in enumerate(self.weights, start=1):
            beta = math.log(self.theta / layer + 1)
            mixed = (1 - self.alpha) * aggregate(operator, x) + self.alpha * initial
            # in place of a fresh tensor, so what goes in must not be needed by the sum that made it
            x = relu_dropout((1 - beta) * mixed + beta * weight(mixed), self.dropout, self.training)
            yield State(x, {})

    def node_outputs(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        return self.decoder(last_state(self.layer_states(x, adjacency)).outputs)

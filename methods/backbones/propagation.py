"""What APPNP, EMP and SMP share: a perceptron that predicts from features, and steps that spread its predictions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.backbones.backbone import Backbone, State, last_state
from methods.dropout import dropout, relu_dropout
from methods.invariance import Invariance, Layer, chain
from methods.parameters import DropoutRate, PositiveInt


class Propagation(Backbone):
    """H0 = perceptron(X), then steps without weights from H0 to the outputs.

    The perceptron has `layers` linear maps with `hidden` units between them. These units are all that may be rescaled.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        layers: PositiveInt = 2,
        hidden: PositiveInt = 64,
        dropout: DropoutRate = 0.5,
        steps: PositiveInt = 10,
    ) -> None:
        super().__init__()
        self.hops = steps
        widths = [in_features, *[hidden] * (layers - 1), out_features]
        self.linears = nn.ModuleList(nn.Linear(wide, narrow) for wide, narrow in pairwise(widths))
        self.dropout, self.steps = dropout, steps

    @abstractmethod
    def states(self, start: Tensor, adjacency: Adjacency) -> Iterator[State]:
        """The start and the state after each step, `steps` + 1 in all.

        A generator, so that without gradients one state is alive at a time.

        Args:
            start: H0, [nodes, out_features].
            adjacency: [nodes, nodes], not normalised.
        """

    def invariance(self) -> Invariance:
        parameters = self.linears.parameters()  # the weight and the bias of one layer after the other
        layers = tuple(Layer((weight,), biases=(bias,)) for weight, bias in zip(parameters, parameters, strict=True))
        return Invariance(layers, chain(layers))

    def predictions(self, x: Tensor) -> Tensor:
        """H0 of all nodes: x [nodes, in_features] to [nodes, out_features]."""
        x = dropout(x, self.dropout, self.training)
        for linear in self.linears[:-1]:
            x = relu_dropout(linear(x), self.dropout, self.training)
        return self.linears[-1](x)

    def layer_states(self, x: Tensor, adjacency: Adjacency) -> Iterator[State]:
        return self.states(self.predictions(x), adjacency)

    def node_outputs(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        return last_state(self.layer_states(x, adjacency)).outputs

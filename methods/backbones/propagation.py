"""What APPNP, EMP and SMP share: a perceptron that predicts from features, and steps that spread its predictions."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.backbones.backbone import Backbone
from methods.dropout import dropout, relu_dropout
from methods.graph import GraphView
from methods.invariance import Invariance, Layer, chain
from methods.parameters import DropoutRate, PositiveInt
from methods.smoothness import dirichlet_energy


class State(NamedTuple):
    """Where a propagation stands after some of its steps.

    Attributes:
        outputs: [nodes, out_features].
        scalars: what else the method knows about this step, each of shape [].
    """

    outputs: Tensor
    scalars: dict[str, Tensor]


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

    def node_outputs(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        outputs = start = self.predictions(x)
        for state in self.states(start, adjacency):
            outputs = state.outputs
        return outputs

    @torch.no_grad()
    def propagation_trace(self, view: GraphView) -> dict[str, Tensor]:
        """How smooth the outputs become, step by step, without dropout and without gradients.

        Returns:
            `dirichlet_energy`, [steps + 1], of H0 and of every step, and the method's own scalars: [steps + 1] where
            they exist before the first step, else [steps].
        """
        training = self.training
        self.eval()
        start = self.predictions(view.x)
        self.train(training)
        trace: dict[str, list[Tensor]] = defaultdict(list)
        for state in self.states(start, view.adjacency):
            trace["dirichlet_energy"].append(dirichlet_energy(state.outputs, view.adjacency))
            for name, value in state.scalars.items():
                trace[name].append(value)
        return {name: torch.stack(values) for name, values in trace.items()}

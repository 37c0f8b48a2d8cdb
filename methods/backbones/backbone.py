"""What every backbone is: a network from a graph view to one output per label."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.graph import GraphView
from methods.invariance import Invariance
from methods.lowbit.grid import Grid
from methods.smoothness import dirichlet_energy


class State(NamedTuple):
    """Where a network stands after some of its layers or propagation steps.

    Attributes:
        outputs: [nodes, features].
        scalars: what else the method knows about this step, each of shape [].
    """

    outputs: Tensor
    scalars: dict[str, Tensor]


@dataclass(frozen=True)
class Stages:
    """A network cut where it passes messages, so that it can be computed for some nodes at a time.

    Attributes:
        first: from features [k, in_features] to what enters the first layer, each node for itself.
        layers: from x [columns, width] and an adjacency to the next x, of the nodes that `adjacency.own` names.
        last: from the last layer's x to outputs [k, out_features], each node for itself.
    """

    first: Callable[[Tensor], Tensor]
    layers: Sequence[Callable[[Tensor, Adjacency], Tensor]]
    last: Callable[[Tensor], Tensor]


class Backbone(nn.Module, ABC):
    """Base of all backbones.

    The constructor takes `in_features, out_features`; its keyword-only arguments are the parameters.

    Attributes:
        hops: message-passing steps between input and output: how far a sampler must look. None where it is not known.
    """

    hops: int | None = None

    @abstractmethod
    def node_outputs(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Outputs of all nodes: x [nodes, in_features] to [nodes, out_features]."""

    def layer_states(self, x: Tensor, adjacency: Adjacency) -> Iterator[State] | None:
        """What enters the first layer that passes messages, and the state after each such layer or step.

        A generator, so that without gradients one state is alive at a time; None where the backbone does not show them.

        Args:
            x: [nodes, in_features].
            adjacency: [nodes, nodes], not normalised.
        """
        return None

    def stages(self) -> Stages | None:
        """The network layer by layer, or None where a layer needs more than the last one made of the neighbours."""
        return None

    @torch.no_grad()
    def propagation_trace(self, view: GraphView) -> dict[str, Tensor]:
        """How smooth the nodes become, layer by layer, in the mode the network is in; call it in evaluation.

        Returns:
            `dirichlet_energy`, [layers or steps + 1], of what enters the first and of every state, and the method's own
            scalars: as many where they exist before the first step, else one fewer. Nothing where the backbone shows no
            states, or where no node has a neighbour.
        """
        states = self.layer_states(view.x, view.adjacency) if view.num_edges else None
        trace: dict[str, list[Tensor]] = defaultdict(list)
        for state in states or ():
            trace["dirichlet_energy"].append(dirichlet_energy(state.outputs, view.adjacency))
            for name, value in state.scalars.items():
                trace[name].append(value)
        return {name: torch.stack(values) for name, values in trace.items()}

    def invariance(self) -> Invariance | None:
        """Which parameters may be rescaled together, or None where the backbone does not say."""
        return None

    def packed(self, grids: Mapping[str, Grid]) -> nn.Module | None:
        """The network executed on codes, from features and adjacency to outputs, or None where there is no such form.

        Args:
            grids: of each site, by the names of `methods.quantizers.quantized_model`.
        """
        return None

    def forward(self, view: GraphView) -> Tensor:
        """Outputs of all nodes, [nodes, out_features], or their mean over each graph, [graphs, out_features]."""
        outputs = self.node_outputs(view.x, view.adjacency)
        return outputs if view.level == "node" else mean_over_graphs(outputs, view)


def last_state(states: Iterator[State]) -> State:
    """The last of the states."""
    return deque(states, maxlen=1).pop()


def mean_over_graphs(x: Tensor, view: GraphView) -> Tensor:
    """[nodes, features] to [graphs, features]."""
    return aggregate(mean_of_graphs(view), x)


def mean_of_graphs(view: GraphView) -> Adjacency:
    """The operator that averages over the nodes of each graph of a set, [graphs, nodes]."""
    assert view.graph_ptr is not None
    members = Adjacency(view.graph_ptr, torch.arange(view.num_nodes, device=view.x.device), view.num_nodes)
    return members.normalized("mean")

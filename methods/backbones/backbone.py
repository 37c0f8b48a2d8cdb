"""What every backbone is: a network from a graph view to one output per label."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.graph import GraphView
from methods.invariance import Invariance
from methods.lowbit.grid import Grid


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


def mean_over_graphs(x: Tensor, view: GraphView) -> Tensor:
    """[nodes, features] to [graphs, features]."""
    assert view.graph_ptr is not None
    members = Adjacency(view.graph_ptr, torch.arange(view.num_nodes, device=x.device), view.num_nodes)
    return aggregate(members.normalized("mean"), x)

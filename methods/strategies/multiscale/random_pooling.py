"""Random pooling: nodes drawn uniformly without replacement (Gal et al. 2025, Algorithm 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.graph import GraphView
from methods.strategies.multiscale.pooling import Draw, Pooling, first_of_each


class RandomPooling(Pooling):
    """The first nodes of the draw's order, ascending."""

    def select(self, graph: GraphView, kept: Tensor, draw: Draw) -> Tensor:
        chosen = draw.order.new_zeros(graph.num_nodes, dtype=torch.bool)
        if graph.graph_ptr is None:
            chosen[draw.order[: int(kept)]] = True
        else:
            chosen[draw.order[first_of_each(graph.graph_of_node()[draw.order], kept)]] = True
        return chosen.nonzero().squeeze(1)

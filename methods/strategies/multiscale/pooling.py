"""The idea of a pooling: which nodes of a graph make its coarse level."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from methods.adjacency import offsets
from methods.graph import GraphView


@dataclass(frozen=True)
class Draw:
    """The randomness of one coarsening.

    Attributes:
        order: [candidates] int64, a random permutation of the nodes 0..candidates-1 that may be chosen. Two levels
            drawn with one order are nested where the pooling is random: the coarser nodes are among the finer ones.
        level: which level is wanted, 1 or more.
        number: how many coarsenings of this level were drawn before.
    """

    order: Tensor
    level: int
    number: int = 0


class Pooling(ABC):
    """Chooses nodes; the coarse graph is made of their rows and of the edges between them."""

    fixed: bool = False
    """Whether every draw gives the same nodes, so that one serves for the whole training."""

    def prepare(self, graph: GraphView) -> None:  # noqa: B027 (most poolings need nothing)
        """Work done once, on the graph (or union of graphs) that all later views are taken from."""

    @abstractmethod
    def select(self, graph: GraphView, kept: Tensor, draw: Draw) -> Tensor:
        """The nodes of a coarse level.

        Args:
            graph: the finest graph, or a union of some of the graphs of a set.
            kept: [graphs] int64, how many nodes each graph keeps.
            draw: the randomness.

        Returns:
            [k] int64, each at most once, ascending unless the pooling says otherwise; graph after graph in a union.
        """


def kept_nodes(graph: GraphView, ratio: float, level: int) -> Tensor:
    """How many nodes each graph keeps at a level, [graphs] int64.

    floor(N / ratio^level) of one graph; of each graph n of a union the same, but at least 2 and at most n nodes.
    """
    if graph.graph_ptr is None:
        return shrunk(torch.tensor([graph.num_nodes]), ratio, level).to(graph.x.device)
    sizes = graph.graph_ptr[1:] - graph.graph_ptr[:-1]
    return torch.minimum(sizes, shrunk(sizes, ratio, level).clamp(min=2))


def first_of_each(groups: Tensor, quota: Tensor) -> Tensor:
    """Which items are among the first `quota[g]` of their group g, [items] bool.

    Args:
        groups: [items] int64, group of each item; the items stand in order of preference.
        quota: [groups] int64.
    """
    if quota.numel() == 1:
        return torch.arange(groups.numel(), device=groups.device) < quota
    order = torch.argsort(groups, stable=True)
    starts = offsets(torch.bincount(groups, minlength=quota.numel()))
    sorted_groups = groups[order]
    position = torch.arange(groups.numel(), device=groups.device) - starts[sorted_groups]
    chosen = torch.empty_like(groups, dtype=torch.bool)
    chosen[order] = position < quota[sorted_groups]
    return chosen


def shrunk(sizes: Tensor, ratio: float, level: int) -> Tensor:
    """floor(n / ratio^level) of each size, int64."""
    # a ratio such as 4/3 is no exact binary number: 12 nodes must still become 9
    return (sizes.double() / ratio**level + 1e-9).floor().long()

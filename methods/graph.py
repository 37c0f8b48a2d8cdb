"""GraphView: what a model sees in one term of a training step. One graph, or a disjoint union of graphs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from methods.adjacency import Adjacency

Level = Literal["node", "graph"]


@dataclass(frozen=True)
class GraphView:
    """Features, adjacency and labels of a graph (or of several, side by side).

    Attributes:
        x: [nodes, features] float.
        adjacency: [nodes, nodes]; row v lists the nodes v receives from.
        y: labels, int64; [nodes], or [graphs] when `level` is `graph`. Hidden labels are -1.
        train_mask: bool, shaped like y: the labels that the loss may use.
        level: what a label belongs to.
        graph_ptr: [graphs + 1] int64 node offsets of a union of graphs, or None for one graph.
        nodes: [nodes] int64 positions in the graph the view was drawn from, or None for the whole graph.
    """

    x: Tensor
    adjacency: Adjacency
    y: Tensor
    train_mask: Tensor
    level: Level = "node"
    graph_ptr: Tensor | None = None
    nodes: Tensor | None = None

    @property
    def num_nodes(self) -> int:
        return self.x.shape[0]

    @property
    def num_edges(self) -> int:
        return self.adjacency.entries

    @property
    def num_graphs(self) -> int:
        return 1 if self.graph_ptr is None else self.graph_ptr.numel() - 1

    def to(self, device: torch.device | str) -> GraphView:
        """The view on another device."""
        return replace(
            self,
            x=self.x.to(device),
            adjacency=self.adjacency.to(device),
            y=self.y.to(device),
            train_mask=self.train_mask.to(device),
            graph_ptr=None if self.graph_ptr is None else self.graph_ptr.to(device),
            nodes=None if self.nodes is None else self.nodes.to(device),
        )

    def graphs(self, chosen: Tensor) -> GraphView:
        """The disjoint union of some of the graphs.

        Args:
            chosen: [k] int64 positions of graphs, each at most once.
        """
        if self.graph_ptr is None:
            raise ValueError("a view of one graph has no graphs to choose from")
        sizes = (self.graph_ptr[1:] - self.graph_ptr[:-1])[chosen]
        nodes = concatenated_ranges(self.graph_ptr[chosen], sizes)
        rows = self.adjacency.indptr.long()
        degrees = (rows[1:] - rows[:-1])[nodes]
        entries = concatenated_ranges(rows[nodes], degrees)
        # a node moves by the same distance as its whole graph, so columns shift with their rows
        shift = torch.repeat_interleave(torch.arange(nodes.numel(), device=nodes.device) - nodes, degrees)
        values = None if self.adjacency.values is None else self.adjacency.values[entries]
        labelled = chosen if self.level == "graph" else nodes
        return GraphView(
            x=self.x[nodes],
            adjacency=Adjacency(
                _offsets(degrees),
                self.adjacency.indices[entries].long() + shift,
                nodes.numel(),
                values,
                self.adjacency.symmetric,
            ),
            y=self.y[labelled],
            train_mask=self.train_mask[labelled],
            level=self.level,
            graph_ptr=_offsets(sizes),
            nodes=nodes,
        )


def concatenated_ranges(starts: Tensor, sizes: Tensor) -> Tensor:
    """[start_0, ..., start_0 + size_0 - 1, start_1, ...] without a loop; int64."""
    ends = torch.cumsum(sizes, 0)
    shift = torch.repeat_interleave(starts - (ends - sizes), sizes)
    return torch.arange(int(sizes.sum()), device=starts.device) + shift


def _offsets(sizes: Tensor) -> Tensor:
    return torch.cat([sizes.new_zeros(1), torch.cumsum(sizes, 0)])

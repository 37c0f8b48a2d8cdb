"""A graph that stays on disk: what views around a few nodes are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.disk_array import DiskArray
from methods.graph import GraphView


@dataclass(frozen=True)
class StoredAdjacency:
    """The compressed rows of an `Adjacency` without values, in files. Tensors in and out are on the CPU.

    Attributes:
        indptr: [rows + 1].
        indices: [entries].
    """

    indptr: DiskArray
    indices: DiskArray

    values = None

    def ranges(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """As `Adjacency.ranges`."""
        starts = self.indptr[rows].long()
        return starts, self.indptr[rows + 1].long() - starts

    def sources(self, entries: Tensor) -> Tensor:
        """As `Adjacency.sources`."""
        return self.indices[entries].long()

    def sums_of(self, rows: Tensor) -> Tensor:
        """As `Adjacency.sums_of`."""
        return self.ranges(rows)[1].float()


@dataclass(frozen=True)
class StoredGraph:
    """A whole graph in files. No array of all its nodes is ever in memory.

    Attributes:
        x: [nodes, features] float32.
        adjacency: [nodes, nodes].
        labels: [nodes] int32, the labels of training nodes; -1 elsewhere.
        train: [k] int64, the training nodes, ascending.
        device: where views go.
    """

    x: DiskArray
    adjacency: StoredAdjacency
    labels: DiskArray
    train: DiskArray
    device: torch.device

    @property
    def num_nodes(self) -> int:
        return len(self.x)

    def on(self, nodes: Tensor, adjacency: Adjacency) -> GraphView:
        """As `GraphView.on`, on the graph's device."""
        y = self.labels[nodes].long()
        view = GraphView(x=self.x[nodes], adjacency=adjacency, y=y, train_mask=y >= 0, nodes=nodes)
        return view if self.device == nodes.device else view.to(self.device)

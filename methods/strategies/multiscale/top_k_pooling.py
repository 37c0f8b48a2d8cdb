"""Top-k pooling: the nodes of the highest degree (Gal et al. 2025, Algorithm 4)."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.strategies.multiscale.pooling import Draw, Pooling, first_of_each


class TopKPooling(Pooling):
    """Nodes by descending number of neighbours in either direction, self-loops not counted, ties by smaller id."""

    fixed = True

    def select(self, graph: GraphView, kept: Tensor, draw: Draw) -> Tensor:
        ranked = torch.argsort(self.score(graph.adjacency), descending=True, stable=True)
        groups = graph.graph_of_node()[ranked]
        chosen = first_of_each(groups, kept)
        return ranked[chosen][torch.argsort(groups[chosen], stable=True)]

    def score(self, adjacency: Adjacency) -> Tensor:
        """Degree of each node, [nodes] int64."""
        rows, columns = adjacency.row_of_entry(), adjacency.indices.long()
        proper = rows != columns
        rows, columns = rows[proper], columns[proper]
        if not adjacency.symmetric:
            # an edge stored in both directions is one neighbour
            pairs = torch.cat([rows * adjacency.rows + columns, columns * adjacency.rows + rows])
            rows = torch.unique(pairs) // adjacency.rows
        return torch.bincount(rows, minlength=adjacency.rows)


class ReleasedTopKPooling(TopKPooling):
    """The published code's score: the edges stored as leaving a node, loops and repeats included; ties as they fall."""

    def score(self, adjacency: Adjacency) -> Tensor:
        return torch.bincount(adjacency.indices, minlength=adjacency.rows)

"""Heavy-edge matching: the classical structure-aware coarsening, as a control for pooled levels.

Source: Karypis and Kumar 1998 (METIS), in the parallel form where two nodes are merged when each is the heaviest
neighbour of the other.
"""

from __future__ import annotations

import torch
from torch import Tensor

from methods.adjacency import Adjacency, offsets
from methods.errors import MethodError
from methods.graph import GraphView
from methods.strategies.multiscale.coarsener import Coarsener
from methods.strategies.multiscale.pooling import first_of_each, kept_nodes

_STALLED = 0.02
"""A matching that merges a smaller share of the nodes ends a level: what is left are hubs and their leaves."""


class HeavyEdgeCoarsener(Coarsener):
    """One hierarchy of contracted graphs, built once; a set of graphs is contracted as a whole, graph by graph."""

    def _prepare(self, levels: int) -> None:
        hierarchy = heavy_edge_hierarchy(self.graph, levels, self.ratio, self._generator)
        self._hierarchy = [self.graph, *hierarchy]

    def _coarse(
        self, finest: GraphView, graphs: Tensor | None, levels: tuple[int, ...], number: int
    ) -> list[GraphView]:
        whole = [self._hierarchy[level] for level in levels]
        return whole if graphs is None else [view.graphs(graphs) for view in whole]


def heavy_edge_hierarchy(graph: GraphView, levels: int, ratio: float, generator: torch.Generator) -> list[GraphView]:
    """Coarse graphs of levels 1 to levels - 1, each contracted from the one before.

    Matchings follow one another until a level has the wanted number of nodes (see `kept_nodes`) or they stall, so a
    level may be larger than wanted, never smaller. Features are means over a cluster's nodes. The adjacency is
    P^T A P of A in both directions, with summed weights; edges inside a cluster are dropped, because backbones add
    self-loops of their own. The label of a cluster is the most frequent among its training labels, the smallest of
    equals; a cluster is trained on if it has any.

    Raises:
        MethodError: a level has no edge to contract.
    """
    adjacency, graph_of = both_directions(graph.adjacency), graph.graph_of_node()
    cluster = torch.arange(graph.num_nodes, device=graph.x.device)
    views = []
    for level in range(1, levels):
        before = adjacency.rows
        wanted = kept_nodes(graph, ratio, level)
        adjacency, graph_of, merged = _contracted_to(adjacency, graph_of, wanted, generator)
        if adjacency.rows == before and before > int(wanted.sum()):
            raise MethodError(
                f"heavy_edge finds no edge to contract at level {level} ({before} nodes); "
                "use fewer levels or pooling=random"
            )
        cluster = merged[cluster]
        views.append(_coarse_view(graph, adjacency, cluster, graph_of))
    return views


def both_directions(adjacency: Adjacency) -> Adjacency:
    """A if it is symmetric, else A + A^T, with the weights of entries stored in both directions added."""
    if adjacency.symmetric:
        return adjacency
    rows, columns = adjacency.row_of_entry(), adjacency.indices.long()
    weights = adjacency.weights()
    return summed(torch.cat([rows, columns]), torch.cat([columns, rows]), weights.repeat(2), adjacency.rows)


def summed(rows: Tensor, columns: Tensor, weights: Tensor, nodes: int) -> Adjacency:
    """The symmetric adjacency of these entries, which come in both directions; weights of equal places are added."""
    places, entry = torch.unique(rows * nodes + columns, return_inverse=True)
    values = weights.new_zeros(places.numel()).index_add_(0, entry, weights)
    pointers = offsets(torch.bincount(places // nodes, minlength=nodes))
    return Adjacency(pointers, places % nodes, nodes, values, symmetric=True)


def _contracted_to(
    adjacency: Adjacency, graph_of: Tensor, wanted: Tensor, generator: torch.Generator
) -> tuple[Adjacency, Tensor, Tensor]:
    """Contract until each graph has at most its wanted number of nodes, or matchings stall.

    Returns:
        the coarse adjacency, the graph of each coarse node, and the coarse node of each node.
    """
    merged = torch.arange(adjacency.rows, device=graph_of.device)
    while True:
        nodes = adjacency.rows
        excess = (torch.bincount(graph_of, minlength=wanted.numel()) - wanted).clamp(min=0)
        if not bool(excess.any()):
            return adjacency, graph_of, merged
        leader = _matched(adjacency, graph_of, excess, generator)
        is_leader = leader == torch.arange(nodes, device=leader.device)
        number = (torch.cumsum(is_leader, 0) - 1)[leader]
        adjacency, graph_of, merged = _contracted(adjacency, number), graph_of[is_leader], number[merged]
        if nodes - adjacency.rows < _STALLED * nodes:
            return adjacency, graph_of, merged


def _matched(adjacency: Adjacency, graph_of: Tensor, excess: Tensor, generator: torch.Generator) -> Tensor:
    """A matching that prefers heavy edges: the smaller node of each node's pair, or the node itself, [nodes] int64.

    Args:
        excess: [graphs] int64, most pairs of each graph.
    """
    rows, columns = adjacency.row_of_entry(), adjacency.indices.long()
    weights = adjacency.weights()
    leader = torch.arange(adjacency.rows, device=rows.device)
    free, excess = rows != columns, excess.clone()
    weights = weights.double()
    while True:
        rows, columns, weights = rows[free], columns[free], weights[free]
        if not rows.numel():
            return leader
        noise = torch.rand(adjacency.rows, dtype=torch.float64, generator=generator).to(rows.device)
        # the same in both directions and below 1, so that it breaks ties between whole weights only
        strength = weights + (noise[rows] + noise[columns]) % 1
        strongest = strength.new_zeros(adjacency.rows).scatter_reduce_(0, rows, strength, "amax")
        mutual = (strength == strongest[rows]) & (strength == strongest[columns]) & (rows < columns)
        ranked = torch.argsort(strength[mutual], descending=True)
        small, large = rows[mutual][ranked], columns[mutual][ranked]
        allowed = first_of_each(graph_of[small], excess)
        small, large = small[allowed], large[allowed]
        leader[large] = small
        excess -= torch.bincount(graph_of[small], minlength=excess.numel())
        single = torch.ones_like(leader, dtype=torch.bool)
        single[small], single[large] = False, False
        free = single[rows] & single[columns] & (excess[graph_of[rows]] > 0)


def _contracted(adjacency: Adjacency, number: Tensor) -> Adjacency:
    rows, columns = number[adjacency.row_of_entry()], number[adjacency.indices.long()]
    outside = rows != columns
    weights = adjacency.weights()
    return summed(rows[outside], columns[outside], weights[outside], int(number.max()) + 1)


def _coarse_view(graph: GraphView, adjacency: Adjacency, cluster: Tensor, graph_of: Tensor) -> GraphView:
    members = torch.bincount(cluster, minlength=adjacency.rows)
    sums = graph.x.new_zeros(adjacency.rows, graph.x.shape[1]).index_add_(0, cluster, graph.x)
    y, train_mask = graph.y, graph.train_mask
    if graph.level == "node":
        y, train_mask = _majority(graph.y[train_mask], cluster[train_mask], adjacency.rows)
    graphs = None if graph.graph_ptr is None else offsets(torch.bincount(graph_of, minlength=graph.num_graphs))
    return GraphView(sums / members.unsqueeze(1), adjacency, y, train_mask, graph.level, graphs)


def _majority(labels: Tensor, cluster: Tensor, clusters: int) -> tuple[Tensor, Tensor]:
    """The most frequent label of each cluster, the smallest of equals, -1 without any; and which clusters have one."""
    classes = int(labels.max()) + 1 if labels.numel() else 1
    votes, count = torch.unique(cluster * classes + labels, return_counts=True)
    ranking = count * classes + (classes - 1 - votes % classes)
    best = labels.new_full((clusters,), -1).scatter_reduce_(0, votes // classes, ranking, "amax")
    labelled = best >= 0
    return torch.where(labelled, classes - 1 - best % classes, -1), labelled

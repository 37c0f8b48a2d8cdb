"""Subgraph pooling: the surroundings of a random centre (Gal et al. 2025, Algorithm 5)."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.adjacency import Adjacency, offsets
from methods.graph import GraphView
from methods.strategies.multiscale.components import connected_components
from methods.strategies.multiscale.pooling import Draw, Pooling, first_of_each


class SubgraphPooling(Pooling):
    """Breadth-first search from a random centre until exactly the wanted number of nodes is collected.

    Edges are followed in both directions. The last shell is sampled uniformly; where a component is exhausted, the
    search goes on from a new centre. In a union every graph is searched at the same time.

    A search that exhausts a component takes all of it. So no search is needed there: components are taken whole, in the
    order in which random nodes hit them, and only the one that would be too much is searched.
    """

    def prepare(self, graph: GraphView) -> None:
        self.components = connected_components(graph.adjacency)

    def select(self, graph: GraphView, kept: Tensor, draw: Draw) -> Tensor:
        component = self.components if graph.nodes is None else self._of_view(graph.nodes)
        rank = torch.empty_like(draw.order)
        rank[draw.order] = torch.arange(draw.order.numel(), device=rank.device)
        whole, centres, wanted = self._whole_components(graph, component, kept, rank)
        chosen = whole[component]
        chosen[_search(graph, centres, wanted, rank)] = True
        return chosen.nonzero().squeeze(1)

    def _of_view(self, nodes: Tensor) -> Tensor:
        """Components of a view's nodes, named by nodes of the view."""
        _, number = torch.unique(self.components[nodes], return_inverse=True)
        first = number.new_full((nodes.numel(),), nodes.numel())
        places = torch.arange(nodes.numel(), device=nodes.device)
        return first.scatter_reduce_(0, number, places, "amin")[number]

    @staticmethod
    def _whole_components(
        graph: GraphView, component: Tensor, kept: Tensor, rank: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Which components ([nodes] bool, by name) are taken whole, where to search, and for how many nodes.

        Returns:
            whole; centres [k] int64, at most one a graph; wanted [graphs] int64, 0 where nothing is left to search for.
        """
        nodes = component.numel()
        hit = rank.new_full((nodes,), nodes).scatter_reduce_(0, component, rank, "amin")
        names = (hit < nodes).nonzero().squeeze(1)
        graph_of_node = graph.graph_of_node()
        names = names[torch.argsort(hit[names])]
        names = names[torch.argsort(graph_of_node[names], stable=True)]
        groups, sizes = graph_of_node[names], torch.bincount(component, minlength=nodes)[names]
        before = offsets(sizes)[:-1]
        first = offsets(torch.bincount(groups, minlength=kept.numel()))[:-1]
        before = before - before[first[groups]]
        fits = before + sizes <= kept[groups]
        partial = ~fits & (before < kept[groups])
        whole = torch.zeros(nodes, dtype=torch.bool, device=rank.device)
        whole[names[fits]] = True
        wanted = torch.zeros_like(kept)
        wanted[groups[partial]] = (kept[groups] - before)[partial]
        order = torch.empty_like(rank)
        order[rank] = torch.arange(nodes, device=rank.device)
        return whole, order[hit[names[partial]]], wanted


class EgoNetPooling(Pooling):
    """The published code's subgraph: all nodes from which a random centre is reached in a few steps.

    The steps are 6, 4, 2, 2, ... at levels 1, 2, 3, ...; the wanted number of nodes is ignored, and in a union one
    graph is touched. A centre that nothing reaches is drawn again, at most 50 times.
    """

    def select(self, graph: GraphView, kept: Tensor, draw: Draw) -> Tensor:
        hops = max(8 - 2 * draw.level, 2)
        nodes = draw.order[:1]
        for centre in draw.order[:51].split(1):
            nodes = _reaching(graph.adjacency, centre, hops)
            if nodes.numel() > 1:
                break
        return nodes


def _reaching(adjacency: Adjacency, centre: Tensor, hops: int) -> Tensor:
    """Nodes from which a centre ([1]) is reached in at most this many steps, ascending, the centre among them."""
    seen = torch.zeros(adjacency.rows, dtype=torch.bool, device=adjacency.device)
    seen[centre] = True
    frontier = centre
    for _ in range(hops):
        frontier = _unseen(_neighbours(adjacency, frontier), seen)
        seen[frontier] = True
    return seen.nonzero().squeeze(1)


def _search(graph: GraphView, centres: Tensor, wanted: Tensor, rank: Tensor) -> Tensor:
    """Nodes nearest to the centres, `wanted[g]` of graph g; the last shell by rank; [k] int64."""
    directions = [graph.adjacency] if graph.adjacency.symmetric else [graph.adjacency, graph.adjacency.transposed()]
    graph_of_node = graph.graph_of_node()
    seen = torch.zeros(graph.num_nodes, dtype=torch.bool, device=rank.device)
    missing, frontier, shells = wanted, centres, []
    while frontier.numel():
        groups = graph_of_node[frontier]
        reached = torch.bincount(groups, minlength=wanted.numel())
        if bool((reached > missing).any()):
            frontier = frontier[torch.argsort(rank[frontier])]
            frontier = frontier[first_of_each(graph_of_node[frontier], missing)]
            groups = graph_of_node[frontier]
        shells.append(frontier)
        seen[frontier] = True
        missing = (missing - reached).clamp(min=0)
        frontier = frontier[missing[groups] > 0]
        found = [_neighbours(adjacency, frontier) for adjacency in directions]
        frontier = _unseen(found[0] if len(found) == 1 else torch.cat(found), seen)
    return torch.cat([centres[:0], *shells])


def _neighbours(adjacency: Adjacency, nodes: Tensor) -> Tensor:
    return adjacency.indices[adjacency.entries_of(nodes)[0]].long()


def _unseen(nodes: Tensor, seen: Tensor) -> Tensor:
    """The nodes that were not seen yet, each once."""
    fresh = nodes[~seen[nodes]]
    # of several writers one wins, and only the winner finds its own place again: each node once, without a sort
    place = torch.arange(fresh.numel(), device=fresh.device)
    winner = torch.empty_like(seen, dtype=torch.int64)
    winner[fresh] = place
    return fresh[winner[fresh] == place]

"""Seeds grown hop by hop into a sampled subgraph, at a cost that follows what is sampled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from methods.adjacency import Adjacency, offsets
from methods.errors import MethodError
from methods.graph import GraphView
from methods.problem import Problem
from methods.stored_graph import StoredAdjacency, StoredGraph
from methods.strategies.sampling.numbering import Numbering, SortedNumbering, TableNumbering


class Drawn(NamedTuple):
    """What one hop draws for the rows that it expands.

    Attributes:
        entries: positions of the drawn entries in the whole graph's adjacency, row after row, int64.
        sizes: number of drawn entries of each row, int64.
        factors: inverse probability with which an entry of a row is drawn, [rows] float.
    """

    entries: Tensor
    sizes: Tensor
    factors: Tensor


class Expansion:
    """Draws views around seeds; no step costs as much as the graph has nodes."""

    def __init__(self, graph: GraphView | StoredGraph) -> None:
        self._graph = graph
        self._numbering: Numbering = (
            SortedNumbering()
            if isinstance(graph, StoredGraph)
            else TableNumbering(graph.num_nodes, graph.adjacency.device)
        )

    def view(self, seeds: Tensor, hops: int, draw: Callable[[Tensor], Drawn]) -> GraphView:
        """The subgraph of everything drawn within some hops of the seeds, on the problem's device.

        Args: see `around`.
        """
        return view_around(self._graph, *self.around(seeds, hops, draw))

    def around(self, seeds: Tensor, hops: int, draw: Callable[[Tensor], Drawn]) -> tuple[Tensor, int, Adjacency]:
        """The nodes met, seeds first, how many seeds there are, and the `sampled_adjacency` between the nodes.

        Every node is expanded once, when it is first met.

        Args:
            seeds: [k] int64, each at most once.
            draw: draws from the rows of some nodes, given as [rows] int64.
        """
        adjacency, numbering = self._graph.adjacency, self._numbering
        nothing = Drawn(seeds[:0], seeds[:0], seeds[:0].float())
        layers, columns, drawn = [numbering.meet(seeds, 0)], [seeds[:0]], [nothing]
        known = seeds.numel()
        for _ in range(hops):
            drawn.append(draw(layers[-1]))
            sources = adjacency.sources(drawn[-1].entries)
            layers.append(numbering.meet(sources, known))
            columns.append(numbering.of(sources))
            known += layers[-1].numel()
        nodes = torch.cat(layers)
        numbering.forget(nodes)
        total = Drawn(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))
        return nodes, seeds.numel(), sampled_adjacency(adjacency, nodes, torch.cat(columns), total)


def sampled_adjacency(
    adjacency: Adjacency | StoredAdjacency, nodes: Tensor, columns: Tensor, drawn: Drawn
) -> Adjacency:
    """The drawn entries, weighted so that sums and means over neighbours are estimated without bias, [k, k].

    An entry's value is its own times its inverse inclusion probability, and rows keep the whole graph's sums. This
    holds for GCN's operator too as long as the graph has no self-loops: one that is not drawn is added again.
    Attention takes the drawn neighbours as they are.

    Args:
        adjacency: the whole graph's.
        nodes: [k] int64; those whose rows were drawn come before those whose rows were not.
        columns: numbers of the drawn entries' sources among the nodes, [entries] int64.
        drawn: entries of the first rows.
    """
    sizes = torch.zeros_like(nodes)
    sizes[: drawn.sizes.numel()] = drawn.sizes
    values = torch.repeat_interleave(drawn.factors, drawn.sizes)
    if adjacency.values is not None:
        values = values * adjacency.values.index_select(0, drawn.entries)
    return Adjacency(offsets(sizes), columns, nodes.numel(), values, row_sums=adjacency.sums_of(nodes))


def view_around(graph: GraphView | StoredGraph, nodes: Tensor, seeds: int, adjacency: Adjacency) -> GraphView:
    """The nodes of a graph joined by an adjacency of their own, of which only the first may be trained on."""
    view = graph.on(nodes, adjacency)
    is_seed = torch.arange(nodes.numel(), device=view.train_mask.device) < seeds
    return replace(view, train_mask=view.train_mask & is_seed)


def hops_of(hops: int | None, problem: Problem) -> int:
    """How far to sample: as far as told, else as far as the network looks.

    Raises:
        MethodError: neither is known.
    """
    chosen = problem.hops if hops is None else hops
    if chosen is None:
        raise MethodError(
            "the network does not say over how many hops it looks; give the strategy hops=, for example hops=2"
        )
    return chosen

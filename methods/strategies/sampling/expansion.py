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

_UNKNOWN = 2**62


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
    """Draws views around seeds and numbers the nodes in them.

    The table of numbers is kept between views and only what was written is cleaned, so that no step costs as much as
    the graph has nodes.
    """

    def __init__(self, graph: GraphView) -> None:
        self._graph, self._row_sums = graph, graph.adjacency.sums()
        self._number = torch.full((graph.num_nodes,), _UNKNOWN, device=graph.x.device)

    def view(self, seeds: Tensor, hops: int, draw: Callable[[Tensor], Drawn]) -> GraphView:
        """The subgraph of everything drawn within some hops of the seeds; see `sampled_view`.

        Every node is expanded once, when it is first met.

        Args:
            seeds: [k] int64, each at most once.
            draw: draws from the rows of some nodes, given as [rows] int64.
        """
        adjacency = self._graph.adjacency
        layers, columns, drawn = [seeds], [seeds[:0]], [Drawn(seeds[:0], seeds[:0], self._row_sums[:0])]
        known = seeds.numel()
        self._number[seeds] = torch.arange(known, device=seeds.device)
        for _ in range(hops):
            drawn.append(draw(layers[-1]))
            sources = adjacency.indices.index_select(0, drawn[-1].entries).long()
            layers.append(self._meet(sources, known))
            columns.append(self._number.index_select(0, sources))
            known += layers[-1].numel()
        nodes = torch.cat(layers)
        self._number[nodes] = _UNKNOWN
        total = Drawn(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))
        return sampled_view(self._graph, self._row_sums, nodes, seeds.numel(), torch.cat(columns), total)

    def _meet(self, sources: Tensor, known: int) -> Tensor:
        """Number the nodes that are seen for the first time, in the order in which they are met; these nodes."""
        places = torch.arange(known, known + sources.numel(), device=sources.device)
        # the smallest place wins, and known nodes have smaller ones: the same on every device, and no sort
        self._number.scatter_reduce_(0, sources, places, "amin")
        fresh = sources[self._number.index_select(0, sources) == places]
        self._number[fresh] = places[: fresh.numel()]
        return fresh


def sampled_view(
    graph: GraphView, row_sums: Tensor, nodes: Tensor, seeds: int, columns: Tensor, drawn: Drawn
) -> GraphView:
    """The view of drawn entries, weighted so that sums and means over neighbours are estimated without bias.

    An entry's value is its own times its inverse inclusion probability, and rows keep the whole graph's sums. This
    holds for GCN's operator too as long as the graph has no self-loops: one that is not drawn is added again.
    Attention takes the drawn neighbours as they are.

    Args:
        row_sums: of the whole graph, [all nodes] float.
        nodes: [k] int64, seeds first; the nodes whose rows were drawn come before those whose rows were not.
        seeds: how many of the nodes may be trained on.
        columns: numbers of the drawn entries' sources among the nodes, [entries] int64.
        drawn: entries of the first rows.
    """
    adjacency = graph.adjacency
    sizes = torch.zeros_like(nodes)
    sizes[: drawn.sizes.numel()] = drawn.sizes
    values = torch.repeat_interleave(drawn.factors, drawn.sizes)
    if adjacency.values is not None:
        values = values * adjacency.values.index_select(0, drawn.entries)
    sampled = Adjacency(offsets(sizes), columns, nodes.numel(), values, row_sums=row_sums.index_select(0, nodes))
    view = graph.on(nodes, sampled)
    is_seed = torch.arange(nodes.numel(), device=nodes.device) < seeds
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

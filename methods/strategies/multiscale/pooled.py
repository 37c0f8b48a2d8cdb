"""Coarse views by pooling: some of the nodes, and the walks between them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.graph import GraphView
from methods.strategies.multiscale.coarsener import Coarsener
from methods.strategies.multiscale.connectivity import between
from methods.strategies.multiscale.heavy_edge import both_directions
from methods.strategies.multiscale.pooling import Draw, Pooling, kept_nodes, shrunk

MOST_REDRAWS = 50


class PooledCoarsener(Coarsener):
    """Every level is pooled from the finest graph itself; each graph of a set by itself.

    A draw in which a level has no training label is repeated, at most 50 times. A pooling without randomness is asked
    once for each level.

    Args:
        power: p of the coarse edges; see `between`.
    """

    def __init__(self, pooling: Pooling, ratio: float, power: int, max_neighbors: int | None) -> None:
        super().__init__(ratio, max_neighbors)
        self.pooling, self.power = pooling, power
        self._fixed: dict[int, GraphView] = {}

    def _prepare(self, levels: int) -> None:
        self.pooling.prepare(self.graph)
        if self._is_fixed():
            for level in range(1, levels):
                self._fixed[level] = self._pooled(self.graph, (level,), 0)[0]

    def _is_fixed(self) -> bool:
        return self.pooling.fixed

    def _coarse(
        self, finest: GraphView, graphs: Tensor | None, levels: tuple[int, ...], number: int
    ) -> list[GraphView]:
        if not self._fixed:
            return self._pooled(finest, levels, number)
        whole = [self._fixed.get(level, self.graph) for level in levels]
        return whole if graphs is None else [view.graphs(graphs) for view in whole]

    def _pooled(self, finest: GraphView, levels: tuple[int, ...], number: int) -> list[GraphView]:
        nodes = self._labelled_nodes(finest, [level for level in levels if level], number)
        return [
            finest if level == 0 else finest.on(chosen := nodes.pop(0), self._edges(finest, chosen)) for level in levels
        ]

    def _labelled_nodes(self, finest: GraphView, levels: list[int], number: int) -> list[Tensor]:
        """Nodes of each coarse level, drawn until each has a training label."""
        attempts = 1 if self.pooling.fixed else 1 + MOST_REDRAWS
        for attempt in range(attempts):
            self.redraws += attempt > 0
            nodes = self._nodes(finest, levels, number)
            if finest.level == "graph" or all(bool(finest.train_mask[chosen].any()) for chosen in nodes):
                return nodes
        raise MethodError(
            f"{attempts} coarse graphs of level {max(levels)} in a row had no training label; "
            "use fewer levels, a smaller ratio, more graphs a step or another pooling"
        )

    def _nodes(self, finest: GraphView, levels: list[int], number: int) -> list[Tensor]:
        order = torch.randperm(finest.num_nodes, generator=self._generator).to(finest.x.device)
        return [
            self.pooling.select(finest, kept_nodes(finest, self.ratio, level), Draw(order, level, number))
            for level in levels
        ]

    def _edges(self, finest: GraphView, nodes: Tensor) -> Adjacency:
        return between(finest.adjacency, nodes, self.power)


class ReleasedCoarsener(PooledCoarsener):
    """Coarse views as the published code draws them (github.com/eshedgal1/GraphMultiscale, 6fe22a6).

    Nodes and walks come from the edges as stored; one graph is then trained on A + A^T. Nodes behind the last one with
    an edge are never drawn. A union of graphs is pooled as if it were one graph. Nothing is drawn again.
    """

    def prepare(self, graph: GraphView, levels: int, generator: torch.Generator) -> GraphView:
        self._stored = graph.adjacency
        if graph.graph_ptr is None:
            graph = replace(graph, adjacency=sum_of_directions(graph.adjacency))
        return super().prepare(graph, levels, generator)

    def _candidates(self) -> int:
        return nodes_with_edges(self._stored)

    def _is_fixed(self) -> bool:
        return self.pooling.fixed and self.graph.graph_ptr is None

    def _labelled_nodes(self, finest: GraphView, levels: list[int], number: int) -> list[Tensor]:
        stored = self._stored_edges(finest)
        candidates = nodes_with_edges(stored)
        order = torch.randperm(candidates, generator=self._generator).to(finest.x.device)
        # without graph offsets a union is one graph to the pooling
        pooled = replace(finest, graph_ptr=None, adjacency=stored)
        count = torch.tensor([candidates], device=order.device)
        chosen = [
            self.pooling.select(pooled, shrunk(count, self.ratio, level), Draw(order, level, number))
            for level in levels
        ]
        return chosen if finest.graph_ptr is None else [nodes.sort().values for nodes in chosen]

    def _edges(self, finest: GraphView, nodes: Tensor) -> Adjacency:
        if self.power == 1:
            return finest.adjacency.induced(nodes)
        walks = between(self._stored_edges(finest), nodes, self.power)
        return walks if finest.graph_ptr is not None else sum_of_directions(walks)

    def _stored_edges(self, finest: GraphView) -> Adjacency:
        return self._stored if finest.graph_ptr is None else finest.adjacency


def sum_of_directions(adjacency: Adjacency) -> Adjacency:
    """A + A^T: an edge stored in both directions weighs 2."""
    if not adjacency.symmetric:
        return both_directions(adjacency)
    return Adjacency(adjacency.indptr, adjacency.indices, adjacency.columns, 2 * adjacency.weights(), symmetric=True)


def nodes_with_edges(adjacency: Adjacency) -> int:
    """The largest node that an edge touches, plus 1."""
    if adjacency.entries == 0:
        return 0
    last_row = int(adjacency.degrees().nonzero().max())
    return max(last_row, int(adjacency.indices.max())) + 1

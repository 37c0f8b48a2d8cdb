"""Features sent over the edges once, so that training sees no edges."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.graph import GraphView
from methods.parameters import PositiveInt
from methods.problem import Problem
from methods.strategies.one_view import OneView
from methods.strategies.training_nodes import shuffled_batches


class Propagation(OneView):
    """Base of strategies that replace the features by propagated ones and take the edges away.

    The network is built, trained and evaluated on the new problem, so its own message passing sees nothing but
    self-loops. Steps see mini-batches of training nodes, or all of them where `batch_size` is none.
    """

    def __init__(self, *, hops: PositiveInt = 2, batch_size: PositiveInt | None = None) -> None:
        self.hops, self.batch_size = hops, batch_size

    @property
    def divides(self) -> bool:
        return self.batch_size is not None

    @abstractmethod
    def features(self, operator: Adjacency, x: Tensor) -> Tensor:
        """New features [nodes, any width] from the operator D^-1/2 (A + I) D^-1/2 and the given ones."""

    def prepare(self, problem: Problem) -> Problem:
        problem, graph = super().prepare(problem), problem.graph
        if problem.categories is not None:
            raise MethodError(
                f"the features are {len(problem.categories)} integer-coded categories, whose averages mean nothing; "
                "use a strategy that leaves propagation to the network"
            )
        x = self.features(graph.adjacency.normalized("symmetric", self_loops=True), graph.x)
        propagated = replace(graph, x=x, adjacency=without_edges(graph.num_nodes, problem.device))
        assert isinstance(self.train, Tensor)  # it has no parameter to ask for a graph on disk
        # the one batch of every epoch, where there is but one
        self._all = self._batch(propagated, self.train) if self.batch_size is None else None
        self._width = x.shape[1]
        return replace(problem, graph=propagated)

    def views(self, problem: Problem) -> Iterable[GraphView]:
        if self.batch_size is None:
            assert self._all is not None
            yield self._all
            return
        for nodes in problem.own(shuffled_batches(self.train, self.batch_size, problem.order)):
            yield self._batch(problem.graph, nodes)

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "feature_width": self._width}

    def _batch(self, graph: GraphView, nodes: Tensor) -> GraphView:
        return graph.on(nodes, without_edges(nodes.numel(), nodes.device))


def without_edges(nodes: int, device: torch.device) -> Adjacency:
    """The adjacency of nodes that are all alone."""
    pointers = torch.zeros(nodes + 1, dtype=torch.int64, device=device)
    return Adjacency(pointers, pointers[:0], nodes, symmetric=True)

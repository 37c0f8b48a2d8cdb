"""Epochs that see the whole graph in pieces: the subgraphs between the nodes of each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

from torch import Tensor

from methods.errors import MethodError
from methods.graph import GraphView
from methods.problem import Problem
from methods.strategies.one_view import OneView


class InducedParts(OneView):
    """Base of strategies that divide the nodes; pieces without a training label are skipped and counted."""

    parts: int

    def prepare(self, problem: Problem) -> Problem:
        problem, nodes = super().prepare(problem), problem.graph.num_nodes
        if self.parts > nodes:
            raise MethodError(
                f"a graph of {nodes} nodes cannot be cut into {self.parts} parts; give at most parts={nodes}"
            )
        self._skipped = 0
        return problem

    @abstractmethod
    def pieces(self, problem: Problem) -> Iterable[Tensor]:
        """The nodes of each piece of the next epoch, [k] int64."""

    def views(self, problem: Problem) -> Iterable[GraphView]:
        graph = problem.graph
        for nodes in self.pieces(problem):
            if graph.train_mask.index_select(0, nodes).any():
                yield graph.induced(nodes)
            else:
                self._skipped += 1

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "skipped": self._skipped}

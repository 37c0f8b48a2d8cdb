"""What strategies on one graph with one view a step share, and a count of what the steps saw."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

from torch import Tensor

from methods.disk_array import DiskArray
from methods.graph import GraphView
from methods.problem import Problem, Progress
from methods.strategies.training_nodes import training_nodes
from methods.strategy import Step, Strategy, Term


class OneView(Strategy):
    """Base of strategies whose steps see one view of one graph each.

    Attributes:
        train: nodes with a training label, [k] int64; there from `prepare` on.
    """

    train: Tensor | DiskArray

    def prepare(self, problem: Problem) -> Problem:
        self.train = training_nodes(problem)
        self._epochs, self._steps, self._nodes, self._edges = 0, 0, 0, 0
        return problem

    @abstractmethod
    def views(self, problem: Problem) -> Iterable[GraphView]:
        """The views of the next epoch."""

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        self._epochs += 1
        for view in self.views(problem):
            self._steps += 1
            self._nodes += view.num_nodes
            self._edges += view.num_edges
            yield [Term(1.0, view)]

    def facts(self) -> dict[str, Any]:
        """Means over all steps so far."""
        steps = max(self._steps, 1)
        return {
            "steps_per_epoch": self._steps / max(self._epochs, 1),
            "mean_nodes": self._nodes / steps,
            "mean_edges": self._edges / steps,
        }

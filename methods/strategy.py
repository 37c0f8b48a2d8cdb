"""The idea of a training strategy: which graph views the next gradient step sees, and with what weight."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from methods.graph import GraphView
from methods.problem import Problem, Progress


@dataclass(frozen=True)
class Term:
    """`weight * loss(model, view)`, one summand of a step. Weights may be negative."""

    weight: float
    view: GraphView


Step = list[Term]


class Strategy(ABC):
    """Base of all strategies. The constructor's keyword-only arguments are the strategy's parameters."""

    def prepare(self, problem: Problem) -> None:  # noqa: B027 (most strategies have nothing to prepare)
        """Work done once before training, charged as preprocessing: partitions, coarse graphs, propagated features."""

    @abstractmethod
    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        """Yield the steps of the next epoch.

        The trainer accumulates the gradient of `weight * loss` term by term, so that only one view's activations are
        alive at a time, and makes one optimizer step for each item yielded. Sampling inside this generator is charged
        as training.
        """

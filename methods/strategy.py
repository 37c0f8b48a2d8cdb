"""The idea of a training strategy: which graph views the next gradient step sees, and with what weight."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from methods.graph import GraphView
from methods.problem import Problem, Progress

Mode = Literal["train", "keep_statistics", "evaluate"]
Place = Literal["device", "disk"]


@dataclass(frozen=True)
class Term:
    """`weight * loss(model, view)`, one summand of a step. Weights may be negative.

    Attributes:
        weight: factor of the loss.
        view: what the model sees.
        scale: coarsening level of the view, 0 for the finest; only for the record.
        mode: how the model behaves: `train`; `keep_statistics`, training in which batch norms leave their running
            statistics alone; or `evaluate`, without dropout and with running statistics.
        lasts: for how many steps, this one included, the gradient computed now is added.
        absolute: neighbouring terms with the same number stand for the absolute value of their sum; None for a plain
            summand. Published code does so, and thereby loses unbiasedness.
    """

    weight: float
    view: GraphView
    scale: int = 0
    mode: Mode = "train"
    lasts: int = 1
    absolute: int | None = None


Step = list[Term]


class Strategy(ABC):
    """Base of all strategies. The constructor's keyword-only arguments are the strategy's parameters."""

    budget: float = 1.0
    """Share of the protocol's budget that the strategy takes."""

    graph: Place = "device"
    """Where the whole graph is: on the device, or on disk, for strategies that draw from `problem.stored`."""

    @property
    def divides(self) -> bool:
        """Whether several processes can share an epoch, of which each makes the steps that `problem.own` gives it.

        Such a strategy orders its steps by random numbers of `problem.order`. All random numbers of `prepare` are the
        same in all processes; those of `problem.generator` in `steps` are not.
        """
        return False

    def prepare(self, problem: Problem) -> Problem:
        """Work done once before training, charged as preprocessing: partitions, coarse graphs, propagated features.

        Returns:
            The problem that the network is built for, trained on and evaluated on: the one given, unless the strategy
            replaces the graph's features or edges for all of these.

        Raises:
            MethodError: the strategy cannot be used on this problem.
        """
        return problem

    @abstractmethod
    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        """Yield the steps of the next epoch.

        The trainer accumulates the gradient of `weight * loss` term by term, so that only one view's activations are
        alive at a time, and makes one optimizer step for each item yielded. Sampling inside this generator is charged
        as training.

        Where the network has batch norms, which cannot be trained on a single node, the trainer leaves out and counts
        steps with a view of one node; an epoch without any other step is an error.
        """

    def settle(self, model: nn.Module, problem: Problem) -> None:  # noqa: B027 (most strategies need none)
        """Called before each evaluation, charged as training: bring what predictions need to the finest graph.

        It must leave parameters, gradients and all random numbers as they are.
        """

    def facts(self) -> dict[str, Any]:
        """What the record of a trial should say about the run: sizes, redraws, which sampler was used. Plain JSON."""
        return {}

"""The idea of a rescaler: it moves along the network's invariances between steps and leaves the function unchanged."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from methods.problem import Problem, Progress


class Rescaler:
    """Base of all rescalers; every hook does nothing by default. All hooks run inside the scored time."""

    def attach(self, model: nn.Module, optimizer: Optimizer, problem: Problem) -> None:
        """Called once, before the first step.

        Raises:
            MethodError: the backbone declares no invariance that this rescaler can use.
        """
        self.model, self.optimizer, self.problem = model, optimizer, problem

    def before_forward(self, progress: Progress) -> None:
        """Called at the start of each step, before old gradients are cleared."""

    def before_update(self, progress: Progress) -> None:
        """Called when the gradients of a step are complete, before clipping and the optimizer."""

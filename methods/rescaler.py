"""The idea of a rescaler: it moves along the network's invariances between steps and leaves the function unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from methods.problem import Problem, Progress

Factors = Mapping[Tensor, Tensor]
"""What parameters were multiplied by; each tensor broadcasts against its parameter."""


class Rescaler:
    """Base of all rescalers; every hook does nothing by default. All hooks run inside the scored time.

    A hook that multiplies parameters says by what, because a gradient that was computed before and is used later has to
    be divided by the same factors.
    """

    def attach(self, model: nn.Module, optimizer: Optimizer, problem: Problem) -> None:
        """Called once, before the first step.

        Raises:
            MethodError: the backbone declares no invariance that this rescaler can use.
        """
        self.model, self.optimizer, self.problem = model, optimizer, problem

    def before_forward(self, progress: Progress) -> Factors | None:
        """Called at the start of each step, before old gradients are cleared."""

    def before_update(self, progress: Progress) -> Factors | None:
        """Called when the gradients of a step are complete, before clipping and the optimizer."""

    def facts(self) -> dict[str, Any]:
        """What the record of a trial should say: how often and how far it rescaled. Plain JSON."""
        return {}

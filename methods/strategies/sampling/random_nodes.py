"""Random node batches, the control of every cleverer division."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from methods.parameters import PositiveInt
from methods.plugin import register
from methods.problem import Problem
from methods.strategies.sampling.induced_parts import InducedParts


@register("strategy", "random_nodes")
class RandomNodes(InducedParts):
    """All nodes divided at random anew each epoch; a step sees the edges within one of the parts."""

    def __init__(self, *, parts: PositiveInt = 4) -> None:
        self.parts = parts

    @property
    def divides(self) -> bool:
        return True

    def pieces(self, problem: Problem) -> Iterable[Tensor]:
        order = torch.randperm(problem.graph.num_nodes, generator=problem.order)
        return problem.own(order.to(problem.device).tensor_split(self.parts))

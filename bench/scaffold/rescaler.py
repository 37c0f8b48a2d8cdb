"""The rescaler my_rescaler."""

import torch

from methods.invariance import invariance_of
from methods.parameters import Positive
from methods.plugin import register
from methods.rescaler import Rescaler
from methods.rescaling.rescale import rescale


@register("rescaler", "my_rescaler")
class MyRescaler(Rescaler):
    """Multiply each hidden unit by a random factor in every epoch: the control of any rule that chooses factors."""

    def __init__(self, *, spread: Positive = 0.1):
        self.spread, self.epoch = spread, -1

    def attach(self, model, optimizer, problem):
        super().attach(model, optimizer, problem)
        self.invariance = invariance_of(model, "my_rescaler")

    def before_forward(self, progress):
        if progress.epoch == self.epoch:  # only the first step of an epoch
            return None
        self.epoch = progress.epoch
        sizes = [units.size for units in self.invariance.units]
        drawn = [torch.empty(size).log_normal_(0, self.spread, generator=self.problem.generator) for size in sizes]
        return rescale(self.invariance, [factors.to(self.problem.device) for factors in drawn])

    def facts(self):
        return {"spread": self.spread}

"""Let one layer learn first: a layer of small weights has large relative gradients.

Source: Mustafa and Burkholz 2024, section 4.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.optim import Optimizer

from methods.errors import MethodError
from methods.parameters import Positive, PositiveInt
from methods.plugin import register
from methods.problem import Problem
from methods.rescaling.dynamic import DynamicRescaling, Rule
from methods.rescaling.rescale import rescale


@register("rescaler", "layer_focus")
class LayerFocus(DynamicRescaling):
    """Scale one layer at the start, so that it learns first; balance later, where asked (Mustafa and Burkholz 2024).

    `layer` counts from 1. `scaling=plain` multiplies the layer's weights and attention by `factor` and changes the
    function at the start, as in Fig. 4, 6 and 8; `invariant` keeps it by dividing what reads the layer, or for the last
    layer by dividing the one before, as in Fig. 5. From epoch `start` on the network is balanced by the rule `then`.
    """

    def __init__(
        self,
        *,
        layer: PositiveInt = 1,
        factor: Positive = 0.002,
        scaling: Literal["plain", "invariant"] = "plain",
        then: Rule = "none",
        **shared,
    ) -> None:
        super().__init__(**shared)
        self.layer, self.factor, self.scaling, self.rule = layer, factor, scaling, then

    def attach(self, model: nn.Module, optimizer: Optimizer, problem: Problem) -> None:
        """Scale the layer.

        Raises:
            MethodError: the network has no such layer, or its layers form no chain and the scaling shall be invariant.
        """
        super().attach(model, optimizer, problem)
        layers = self.invariance.layers
        if self.layer > len(layers):
            raise MethodError(
                f"layer_focus(layer={self.layer}) is not possible: the network has {len(layers)} layers of weights"
            )
        if self.scaling == "plain":
            with torch.no_grad():
                for parameter in (*layers[self.layer - 1].weights, *layers[self.layer - 1].attention):
                    parameter.mul_(self.factor)
        else:
            self._scale_invariantly()

    def _scale_invariantly(self) -> None:
        units = self.invariance.units
        if len(units) != len(self.invariance.layers) - 1:
            raise MethodError(
                "layer_focus(scaling=invariant) needs a chain of layers with hidden units between them; use plain"
            )
        device = next(self.model.parameters()).device
        factors = [torch.ones(group.size, dtype=torch.float64, device=device) for group in units]
        if self.layer <= len(units):
            factors[self.layer - 1] *= self.factor
        else:
            factors[-1] /= self.factor
        rescale(self.invariance, factors)

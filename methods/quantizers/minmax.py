"""Min-max quantization-aware training."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from methods.plugin import register
from methods.quantizers.quantization_aware import QuantizationAware
from methods.quantizers.quantized_model import Role
from methods.quantizers.site import RangeSite, Site


@register("quantizer", "minmax")
class MinMax(QuantizationAware):
    """Grids from the smallest to the largest entry, and gradients that ignore rounding (Jacob et al. 2018).

    `ranges` is `current`: of the tensor at hand; or `running`: the widest seen in training.
    """

    def __init__(self, *, ranges: Literal["current", "running"] = "current", **shared: Any) -> None:
        super().__init__(**shared)
        self.ranges = ranges

    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        return RunningRangeSite(x, bits) if self.ranges == "running" else RangeSite(x, bits)


class RunningRangeSite(RangeSite):
    """A grid over the widest range seen in training."""

    def observe(self, x: Tensor, exempt: Tensor | None) -> None:
        minimum, maximum = self.measure(x)
        self.minimum = torch.minimum(self.minimum, minimum)
        self.maximum = torch.maximum(self.maximum, maximum)

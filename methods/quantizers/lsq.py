"""Learned step size quantization (Esser et al. 2020)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from methods.parameters import NonNegative, Positive
from methods.plugin import register
from methods.quantizers.quantization_aware import QuantizationAware
from methods.quantizers.quantized_model import Role
from methods.quantizers.site import SMALLEST_STEP, Affine, GridSite, Site, Slopes, change_with_scale


@register("quantizer", "lsq")
class LSQ(QuantizationAware):
    """One learned step a tensor and no data-dependent range (LSQ, Esser et al. 2020).

    A tensor whose first values are all nonnegative gets the codes 0 to 2^bits - 1, any other -2^(bits-1) to
    2^(bits-1) - 1. Steps have a learning rate and a weight decay of their own.
    """

    def __init__(
        self, *, range_learning_rate: Positive = 1e-3, range_weight_decay: NonNegative = 0.0, **shared: Any
    ) -> None:
        super().__init__(**shared)
        self.range_learning_rate, self.range_weight_decay = range_learning_rate, range_weight_decay

    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        return LearnedStepSite(x, bits, role)


class LearnedStepSite(GridSite):
    """A grid with a learned step.

    Attributes:
        step: scalar parameter, at first 2 mean|x| / sqrt(Q_P) with Q_P the largest positive code.
        zero: scalar, how many codes stand for negative values (Q_N).
    """

    zero: Tensor

    def __init__(self, x: Tensor, bits: int, role: Role) -> None:
        super().__init__(bits)
        signed = x.numel() > 0 and bool(x.min() < 0)
        negative = 2 ** (bits - 1) if signed else 0
        self.register_buffer("zero", x.new_full((), negative))
        self.weight = role == "weight"
        mean = x.detach().abs().mean() if x.numel() else x.new_zeros(())
        # an all-zero tensor says nothing about its scale
        self.step = nn.Parameter(torch.where(mean > 0, 2 * mean / (self.levels - negative) ** 0.5, 1))

    def scale(self) -> Tensor:
        return self.step

    def affine(self) -> Affine:
        # an optimizer may carry a step below zero
        return Affine(self.step.detach().clamp(min=SMALLEST_STEP), self.zero, self.levels)

    def rounded(self, x: Tensor, grid: Affine) -> tuple[Tensor, Slopes]:
        """Esser et al. 2020, eq. 3 and 5; slopes are times 1 / sqrt(n Q_P), n the weights or features of the layer."""
        values, inside = grid.nearest_and_inside(x)
        count = x.numel() if self.weight else x.numel() // x.shape[0]
        divisor = grid.step * (count * (self.levels - grid.zero)).sqrt()
        return values, Slopes(inside, change_with_scale(x, values, inside), divisor)

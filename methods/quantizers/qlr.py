"""Quantization with learnable ranges (Wang et al. 2023)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from methods.parameters import NonNegative, NonNegativeInt, Positive
from methods.plugin import register
from methods.problem import Problem
from methods.quantizers.quantization_aware import QuantizationAware
from methods.quantizers.quantized_model import QuantizedModel, Role
from methods.quantizers.site import Affine, RangeSite, Site, Slopes, change_with_scale, sampled_rows

SMALLEST_FACTOR = 0.01
"""A learned factor below this counts as this: a range must stay a range."""
LARGEST_FACTOR = 1.0
"""A learned factor above this counts as this: nothing of the tensor lies beyond, so codes would stand for nothing.

Values that come from another site are on a grid already, and then some lie exactly between two codes at 1 and change
theirs at once above it. Dropout scales what training sees and not what is predicted from, where they fall together with
their neighbours: with 2 bits edge by edge, one factor at 1.02 cost APPNP 15 points on Cora.
"""
SEARCH_SAMPLE = 2**18
"""The search for the first factor compares rounding errors over about so many entries of a tensor."""


class LearnedRanges(QuantizationAware):
    """Base of quantizers with one learned factor alpha a site: the range is alpha times that of the tensor.

    `range_grad=none`, `gate=output` and `share_alpha` do what the authors' code really does: alpha gets no gradient,
    gradients pass where the rounded value (not the given one) lies in the range, and all sums share one alpha for each
    kind of tensor. `range_grad=clipped` learns from clipped values only, as PACT does (Choi et al. 2018). With
    `search_every` alpha is searched again after so many passes of training, 0 never; the authors do so for CiteSeer.
    Factors have a learning rate and a weight decay of their own.
    """

    def __init__(
        self,
        *,
        range_grad: Literal["learned", "clipped", "none"] = "learned",
        gate: Literal["input", "output"] = "input",
        share_alpha: bool = False,
        search_every: NonNegativeInt = 0,
        range_learning_rate: Positive = 1e-4,
        range_weight_decay: NonNegative = 0.0,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.range_grad, self.gate, self.share_alpha, self.search_every = range_grad, gate, share_alpha, search_every
        self.range_learning_rate, self.range_weight_decay = range_learning_rate, range_weight_decay

    def wrap(self, model: nn.Module, problem: Problem, in_training: bool) -> QuantizedModel:
        wrapped = super().wrap(model, problem, in_training)
        if self.share_alpha:
            first: dict[str, LearnedRangeSite] = {}
            for name, site in wrapped.sites.items():
                call, _, role = name.partition("_")
                if call.startswith("aggregate"):
                    assert isinstance(site, LearnedRangeSite)
                    site.alpha = first.setdefault(role, site).alpha
        return wrapped


@register("quantizer", "qlr")
class QLR(LearnedRanges):
    """Min-max ranges times a learned factor, with the exact gradient of rounding and clipping (Wang et al. 2023)."""

    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        return LearnedRangeSite(x, bits, self)


class LearnedRangeSite(RangeSite):
    """A grid over alpha times the tensor's range.

    Attributes:
        alpha: scalar parameter, at first the factor with the smallest rounding error.
        passes: of training, so far.
    """

    bump_below = 0.1
    """A searched factor below this is raised by 0.1, as in the authors' code."""

    def __init__(self, x: Tensor, bits: int, settings: LearnedRanges) -> None:
        super().__init__(x, bits)
        self.settings, self.passes = settings, 0
        self.alpha = nn.Parameter(x.new_ones(()))
        self.search(x.detach())

    @torch.no_grad()
    def search(self, x: Tensor) -> None:
        """Set alpha to the factor of {0.1, ..., 1} (2 bits) or {0.02, ..., 1} with the smallest mean |Q(x) - x|."""
        if x.numel() == 0:
            return
        count = 10 if self.bits == 2 else 50
        factors = torch.arange(1, count + 1, device=x.device, dtype=x.dtype) / count
        sample = sampled_rows(x, SEARCH_SAMPLE)
        errors = torch.stack([(self.affine_of(factor).nearest(sample) - sample).abs().mean() for factor in factors])
        best = factors[errors.argmin()]
        self.alpha.copy_(torch.where(best < self.bump_below, best + 0.1, best))

    def observe(self, x: Tensor, exempt: Tensor | None) -> None:
        super().observe(x, exempt)
        self.passes += 1
        if self.settings.search_every and self.passes % self.settings.search_every == 0:
            self.search(x)

    def factor(self) -> Tensor:
        """Alpha as it is used."""
        return self.alpha.detach().clamp(min=SMALLEST_FACTOR, max=LARGEST_FACTOR)

    def affine(self) -> Affine:
        return self.affine_of(self.factor())

    def affine_of(self, factor: Tensor) -> Affine:
        """The grid for a factor."""
        return Affine.of_range(factor * self.minimum, factor * self.maximum, self.levels)

    def scale(self) -> Tensor:
        return self.alpha

    def rounded(self, x: Tensor, grid: Affine) -> tuple[Tensor, Slopes]:
        values, inside = grid.nearest_and_inside(x)
        passes = inside
        if self.settings.gate == "output":
            # zero is rounded, so an end of the grid may lie outside the range, and then all of its entries are blocked
            passes = (values >= self.factor() * self.minimum) & (values <= self.factor() * self.maximum)
        if self.settings.range_grad == "none":
            return values, Slopes(passes)
        if self.settings.range_grad == "clipped":
            return values, Slopes(passes, values * (1 - inside), self.factor())
        return values, Slopes(passes, change_with_scale(x, values, inside), self.factor())

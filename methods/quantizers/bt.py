"""Bitwise truncation and its skewness-aware form (Wang et al. 2023)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from methods.parameters import NonNegativeInt
from methods.plugin import register
from methods.quantizers.qlr import LearnedRanges, LearnedRangeSite
from methods.quantizers.quantized_model import Role
from methods.quantizers.site import Affine, Site


@register("quantizer", "bt")
class BT(LearnedRanges):
    """QLR on an 8-bit grid of which every (255 / (2^bits - 1))-th value is used: 0 is near a value, not one of them.

    At 2 bits the codes of the 8-bit grid are 0x00, 0x55, 0xAA and 0xFF (BT, Wang et al. 2023).
    """

    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        return TruncatedSite(x, bits, self)


@register("quantizer", "bt_star")
class BTStar(LearnedRanges):
    """BT that shifts values by their skewness before truncation (BT*, Wang et al. 2023).

    The shift is the rounded skewness of the first tensor, in steps of the 8-bit grid. It is measured again whenever
    alpha is searched again, and with `skew_refresh` every so many passes of training; 0 never.
    """

    def __init__(self, *, skew_refresh: NonNegativeInt = 0, **shared: Any) -> None:
        super().__init__(**shared)
        self.skew_refresh = skew_refresh

    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        return SkewedSite(x, bits, self)


class TruncatedSite(LearnedRangeSite):
    """Every k-th value of an 8-bit grid, k = 255 / (2^bits - 1).

    Rounding to the 8-bit grid and then to multiples of k is rounding once to a grid whose zero is a fraction: the
    thresholds k (c + 1/2) lie halfway between two 8-bit codes.
    """

    def affine_of(self, factor: Tensor) -> Affine:
        fine = Affine.of_range(factor * self.minimum, factor * self.maximum, 255)
        stride = 255 // self.levels
        return Affine(fine.step * stride, fine.zero / stride, self.levels)


class SkewedSite(TruncatedSite):
    """A truncated grid whose values are shifted before they are rounded.

    Attributes:
        shift: scalar, in steps of the 8-bit grid; upwards where the tensor has a long tail of large values.
    """

    shift: Tensor
    bump_below = 0.5

    def __init__(self, x: Tensor, bits: int, settings: BTStar) -> None:
        super().__init__(x, bits, settings)
        self.skew_refresh = settings.skew_refresh

    def search(self, x: Tensor) -> None:
        self.measure_skew(x)
        super().search(x)

    def measure_skew(self, x: Tensor) -> None:
        """Take the shift from a tensor."""
        self.register_buffer("shift", skewness(x).round())

    def observe(self, x: Tensor, exempt: Tensor | None) -> None:
        super().observe(x, exempt)
        if self.skew_refresh and self.passes % self.skew_refresh == 0:
            self.measure_skew(x)

    def affine_of(self, factor: Tensor) -> Affine:
        return super().affine_of(factor)._replace(shift=self.shift / (255 // self.levels))


def skewness(x: Tensor) -> Tensor:
    """Fisher-Pearson skewness m3 / m2^(3/2) over all entries, a scalar; 0 where all entries are equal."""
    if x.numel() == 0:
        return x.new_zeros(())
    centered = x - x.mean()
    square = centered.square()
    variance = square.mean()
    return torch.where(variance > 0, (square * centered).mean() / variance**1.5, 0)

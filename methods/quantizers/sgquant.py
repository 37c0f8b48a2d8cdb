"""Bits by degree (Feng et al. 2020, SGQuant)."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.graph import GraphView
from methods.parameters import Fraction
from methods.plugin import register
from methods.quantizers.degree_quant import degree_ranks
from methods.quantizers.quantized_model import Role
from methods.quantizers.site import SMALLEST_STEP, Site
from methods.quantizers.site_quantizer import SiteQuantizer

WIDTHS = (8, 4, 2)
"""Of nodes of low, middle and high degree."""


@register("quantizer", "sgquant")
class SGQuant(SiteQuantizer):
    """Nodes in 8, 4 or 2 bits by their degree; weights stay FP32 (topology-aware part of SGQuant, Feng et al. 2020).

    A node with many neighbours averages their errors away, so it gets fewer bits. `low` and `high` are the shares of
    nodes, by in-degree, up to which a node counts as one of low and of middle degree. What products and sums read is
    rounded on the range of the tensor at hand; gradients pass unchanged. No kernel has a width for every row, so this
    is always simulated.
    """

    def __init__(self, *, low: Fraction = 1 / 3, high: Fraction = 2 / 3) -> None:
        self.low, self.high = low, high
        self.widths: Tensor | None = None

    def bits_of(self, call: str, role: Role, end: bool) -> int:
        return WIDTHS[0] if role in ("input", "operand") else 32

    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        return BucketSite(x, self)

    def begins(self, view: GraphView) -> None:
        ranks = degree_ranks(view)
        bucket = (ranks > self.low).long() + (ranks > max(self.low, self.high)).long()
        self.widths = torch.tensor(WIDTHS, device=ranks.device)[bucket]

    def widths_of(self, x: Tensor) -> Tensor:
        """Bits of each row of a tensor, [rows] int64; rows that are no nodes have the most."""
        if self.widths is not None and self.widths.numel() == x.shape[0]:
            return self.widths
        return torch.full((x.shape[0],), WIDTHS[0], device=x.device)


class BucketSite(Site):
    """Rows on grids of different fineness over one range.

    Attributes:
        low, high: scalars, the ends of the range of the last tensor in training, with 0 inside.
        mean_bits: of the rows of the last tensor.
    """

    low: Tensor
    high: Tensor

    def __init__(self, x: Tensor, settings: SGQuant) -> None:
        super().__init__()
        self.settings, self.mean_bits = settings, torch.tensor(float(WIDTHS[0]))
        self.register_buffer("low", x.new_zeros(()))
        self.register_buffer("high", x.new_zeros(()))
        self._observe(x.detach())

    def stored_bits(self) -> float:
        return float(self.mean_bits)

    def forward(self, x: Tensor, exempt: Tensor | None = None) -> Tensor:
        if x.numel() == 0:
            return x
        if self.training:
            self._observe(x.detach())
        return _Straight.apply(x, self._rounded(x.detach()))

    def _observe(self, x: Tensor) -> None:
        if x.numel():
            self.low, self.high = x.min().clamp(max=0), x.max().clamp(min=0)
            self.mean_bits = self.settings.widths_of(x).float().mean()

    def _rounded(self, x: Tensor) -> Tensor:
        levels = (2 ** self.settings.widths_of(x) - 1).view(-1, *[1] * (x.dim() - 1))
        step = ((self.high - self.low) / levels).clamp(min=SMALLEST_STEP)
        zero = (-self.low / step).round_()
        codes = torch.minimum((x / step).add_(zero).round_().clamp_(min=0), levels)
        return codes.sub_(zero).mul_(step)


class _Straight(torch.autograd.Function):
    """Values in place of x, with x's gradient."""

    @staticmethod
    def forward(ctx, x: Tensor, values: Tensor) -> Tensor:
        ctx.mark_dirty(values)
        return values

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return gradient, None

"""Degree-Quant (Tailor et al. 2021)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from methods.errors import SpecError
from methods.graph import GraphView
from methods.parameters import Fraction
from methods.plugin import register
from methods.quantizers.quantization_aware import QuantizationAware
from methods.quantizers.quantized_model import Role
from methods.quantizers.site import Affine, RangeSite, Site, Slopes, sampled_rows

MOMENTUM = 0.01
PERCENTILE_SAMPLE = 100_000
"""Percentiles are taken over about so many entries of a tensor; the authors call the full search very slow."""


@register("quantizer", "degree_quant")
class DegreeQuant(QuantizationAware):
    """Min-max training that spares nodes of high degree at random and cuts outliers off (Tailor et al. 2021).

    In every pass of training a node keeps full precision with a probability from `protect` up to `protect + change`,
    rising with the share of nodes whose in-degree is no larger. Ranges leave out the fraction 0.001 (8 bits) or 0.01
    (fewer) of the unprotected entries at each end. `ranges` follow them as the widest so far (`running`) or slowly
    (`momentum`). `gradient` is zero at both ends of the grid (`clipped`, as the authors run it) or never (`straight`).
    """

    def __init__(
        self,
        *,
        protect: Fraction = 0.0,
        change: Fraction = 0.1,
        ranges: Literal["running", "momentum"] = "running",
        gradient: Literal["clipped", "straight"] = "clipped",
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        if protect + change > 1:
            raise SpecError(
                f"degree_quant(protect={protect:g},change={change:g}) is not possible; their sum is a probability"
            )
        self.protect, self.change, self.ranges, self.gradient = protect, change, ranges, gradient

    def exempt_nodes(self, view: GraphView) -> Tensor | None:
        chances = self.protect + self.change * degree_ranks(view)
        return torch.rand(view.num_nodes, device=view.x.device) < chances

    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        return PercentileSite(x, bits, self.ranges == "momentum", self.gradient == "clipped")


def degree_ranks(view: GraphView) -> Tensor:
    """The share of nodes whose in-degree is at most a node's own, [nodes] float."""
    degrees = view.adjacency.degrees()
    if degrees.numel() == 0:
        return degrees.float()
    return (torch.bincount(degrees).cumsum(0) / degrees.numel())[degrees]


class PercentileSite(RangeSite):
    """A grid between two percentiles of the unprotected entries, widened or moved by every tensor of training."""

    def __init__(self, x: Tensor, bits: int, moving: bool, clipped: bool) -> None:
        self.fraction = 0.001 if bits == 8 else 0.01
        self.moving, self.clipped = moving, clipped
        super().__init__(x, bits)

    def measure(self, x: Tensor) -> tuple[Tensor, Tensor]:
        entries = sampled_rows(x, PERCENTILE_SAMPLE).flatten()
        if entries.numel() == 0:
            return x.new_zeros(()), x.new_zeros(())
        rank = max(1, int(self.fraction * entries.numel()))
        return entries.kthvalue(rank).values, entries.kthvalue(entries.numel() - rank + 1).values

    def observe(self, x: Tensor, exempt: Tensor | None) -> None:
        if exempt is not None:
            x = x[~exempt]
        if x.numel() == 0:
            return
        minimum, maximum = self.measure(x)
        if self.moving:
            self.minimum = self.minimum.lerp(minimum, MOMENTUM)
            self.maximum = self.maximum.lerp(maximum, MOMENTUM)
        else:
            self.minimum = torch.minimum(self.minimum, minimum)
            self.maximum = torch.maximum(self.maximum, maximum)

    def rounded(self, x: Tensor, grid: Affine) -> tuple[Tensor, Slopes]:
        values = grid.nearest(x)
        if not self.clipped:
            return values, Slopes()
        low, high = grid.ends()
        return values, Slopes((values > low) & (values < high))

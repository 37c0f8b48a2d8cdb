"""Aggregation-aware quantization: every node has its own step and bit width (Zhu et al. 2023)."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from methods.graph import GraphView
from methods.parameters import NonNegative, Positive
from methods.plugin import register
from methods.quantizers.penalty import KIB_OF_BITS, penalised
from methods.quantizers.quantized_model import Role
from methods.quantizers.site import SMALLEST_STEP, Site
from methods.quantizers.site_quantizer import SiteQuantizer

LARGEST_WIDTH = 8
"""A learned width above this counts as this, below 1 as 1; the authors set no bounds."""
BANK = 1000
"""Pairs of step and width that a set of graphs learns; every node takes the nearest of them."""


@register("quantizer", "a2q")
class A2Q(SiteQuantizer):
    """A step and a bit width of its own for every node, both learned; average widths are what counts (Zhu et al. 2023).

    Products and sums read rounded nodes; what they give stays as it is, and so do features that the first product reads
    unless `features` is on. Steps and widths follow the rounding error of their own row, since most nodes have no
    label. Besides, `memory_weight` max(0, M - M*)^2 pulls widths down: M is the memory of all rounded nodes in KiB, M*
    that at `target_bits` a number (the authors give M* itself, for example 5 KiB). Weights have `weight_bits` and a
    step for each output.

    Rows of a graph that was not trained on take the step and width of the trained node whose largest value is nearest
    to theirs. On a set of graphs at most 1000 pairs are learned, every node takes the nearest, and M is that of these.
    No kernel has a width for every row, so this is always simulated.
    """

    def __init__(
        self,
        *,
        bits: Literal[2, 4, 8] = 4,
        weight_bits: Literal[2, 4, 8] = 4,
        target_bits: Positive = 2.0,
        memory_weight: NonNegative = 2.5,
        features: bool = False,
        step_rate: Positive = 0.04,
        width_rate: Positive = 0.1,
        weight_step_rate: Positive = 0.02,
    ) -> None:
        self.bits, self.weight_bits, self.features = bits, weight_bits, features
        self.target_bits, self.memory_weight = target_bits, memory_weight
        self.rates = {"step": step_rate, "width": width_rate, "channel_step": weight_step_rate}
        self.nodes: Tensor | None = None
        self.is_set = False
        self._penalty: Tensor | None = None

    def bits_of(self, call: str, role: Role, end: bool) -> int:
        if role == "weight":
            return self.weight_bits
        reads = role in ("input", "operand") and (self.features or (call, role) != ("linear0", "input"))
        return self.bits if reads else 32

    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        return ChannelStepSite(x, bits) if role == "weight" else NodeSite(x, bits, self)

    def begins(self, view: GraphView) -> None:
        self.nodes, self.is_set = view.nodes, view.graph_ptr is not None
        model = self._quantized
        learns = model is not None and model.training and torch.is_grad_enabled()
        self._penalty = self.penalty(model.sites) if learns and model is not None else None

    def penalty(self, sites: nn.ModuleDict) -> Tensor:
        """memory_weight max(0, M - M*)^2 over all sites of nodes, a scalar."""
        found = [site for site in sites.values() if isinstance(site, NodeSite)]
        above = [(site.width.abs() - self.target_bits).sum() * site.columns for site in found]
        excess = torch.stack(above).sum() / KIB_OF_BITS if above else torch.zeros(())
        return self.memory_weight * excess.relu().square()

    def taken_penalty(self) -> Tensor | None:
        """The penalty, for the first site of a pass that asks."""
        penalty, self._penalty = self._penalty, None
        return penalty

    def range_groups(self, sites: nn.ModuleDict) -> list[dict[str, Any]]:
        return [
            {
                "params": [p for name, p in sites.named_parameters() if name.rpartition(".")[2] == kind],
                "lr": rate,
                "weight_decay": 0.0,
            }
            for kind, rate in self.rates.items()
        ]


class NodeSite(Site):
    """x_hat = sign(x) step min(floor(|x| / step + 1/2), q) with a step and q = 2^(width - 1) - 1 for every row.

    Tensors whose first values are all nonnegative need no sign: there q = 2^width - 1, and what is negative becomes 0.

    Attributes:
        step, width: [rows] parameters; |step| and round(|width|) are used.
        columns: numbers in a row.
    """

    def __init__(self, x: Tensor, bits: int, settings: A2Q) -> None:
        super().__init__()
        self.settings = settings
        rows = x.detach().flatten(1)
        if settings.is_set and rows.shape[0] > BANK:
            rows = rows[torch.arange(BANK, device=x.device) * rows.shape[0] // BANK]
        self.columns = rows.shape[1]
        self.signed = bool((rows < 0).any())
        self.width = nn.Parameter(rows.new_full((rows.shape[0],), bits))
        mean = rows.abs().mean(1) if rows.numel() else rows.new_ones(rows.shape[0])
        # LSQ's first step; a row of zeros says nothing about its scale
        self.step = nn.Parameter(torch.where(mean > 0, 2 * mean / (2 ** (bits - self.signed) - 1) ** 0.5, 1))

    def stored_bits(self) -> float:
        return float(whole(self.width.detach().abs()).mean()) if self.width.numel() else float(self.settings.bits)

    def forward(self, x: Tensor, exempt: Tensor | None = None) -> Tensor:
        if x.numel() == 0:
            return x
        rows = x.flatten(1) if self.signed else x.flatten(1).relu()
        step, width = self.step.abs().clamp(min=SMALLEST_STEP), self.width.abs()
        if (index := self.trained_rows(rows.detach(), step.detach(), width.detach())) is not None:
            step, width = step[index], width[index]
        if not torch.is_grad_enabled():
            return NodeGrids(rows, step, width, self.signed).values.view(x.shape)
        values = _OnNodeGrids.apply(rows, step, width, self.signed)
        penalty = self.settings.taken_penalty()
        return (values if penalty is None else penalised(values, penalty)).view(x.shape)

    def trained_rows(self, rows: Tensor, step: Tensor, width: Tensor) -> Tensor | None:
        """The trained row that stands for each row, [rows] int64; None where they are the trained ones in order."""
        count, nodes = self.width.numel(), self.settings.nodes
        if not self.settings.is_set:
            if nodes is None and rows.shape[0] == count:
                return None
            if nodes is not None and rows.shape[0] == nodes.numel():
                return nodes
        reach, order = (2 ** (whole(width) - 1) * step).sort()
        return order[torch.bucketize(rows.abs().amax(1), (reach[1:] + reach[:-1]) / 2)]


class NodeGrids:
    """Rows [rows, columns] rounded with a step and a width each, [rows], and what local gradients are made of.

    See `NodeSite`.
    """

    def __init__(self, rows: Tensor, step: Tensor, width: Tensor, signed: bool) -> None:
        self.step = step.unsqueeze(1)
        self.largest = 2.0 ** (whole(width) - int(signed)).unsqueeze(1) - 1
        self.sign = rows.sign()
        self.place = rows / self.step
        codes = (self.place.abs() + 0.5).floor_()
        self.inside = codes <= self.largest
        self.codes = self.sign * torch.minimum(codes, self.largest)
        self.values = self.step * self.codes


def whole(width: Tensor) -> Tensor:
    """The width that is used."""
    return width.round().clamp(1, LARGEST_WIDTH)


class _OnNodeGrids(torch.autograd.Function):
    """Rows pass gradients inside their range; steps and widths get that of the mean rounding error of their row."""

    @staticmethod
    def forward(ctx, rows: Tensor, step: Tensor, width: Tensor, signed: bool) -> Tensor:
        grids = NodeGrids(rows, step, width, signed)
        error = (grids.values - rows).sign()
        of_step = torch.where(grids.inside, grids.codes - grids.place, grids.codes)
        of_width = torch.where(grids.inside, 0, grids.sign * (grids.largest + 1) * (math.log(2) * grids.step))
        ctx.save_for_backward(grids.inside, (error * of_step).mean(1), (error * of_width).mean(1))
        return grids.values

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        inside, to_step, to_width = ctx.saved_tensors
        return gradient * inside, to_step, to_width, None


class ChannelStepSite(Site):
    """Learned steps as in LSQ, one for each output of a matrix [outputs, inputs], with signed codes.

    Attributes:
        channel_step: [outputs, 1] parameter.
    """

    def __init__(self, x: Tensor, bits: int) -> None:
        super().__init__()
        self.bits, self.largest = bits, 2 ** (bits - 1) - 1
        mean = x.detach().abs().mean(1, keepdim=True)
        self.channel_step = nn.Parameter(torch.where(mean > 0, 2 * mean / self.largest**0.5, 1))

    def stored_bits(self) -> float:
        return self.bits

    def forward(self, x: Tensor, exempt: Tensor | None = None) -> Tensor:
        share = (x.shape[1] * self.largest) ** -0.5  # of the step's gradient (Esser et al. 2020, sec. 2.2)
        step = self.channel_step.abs().clamp(min=SMALLEST_STEP)
        step = step * share + (step - step * share).detach()
        place = (x / step).clamp(-self.largest - 1, self.largest)
        return step * (place + (place.round() - place).detach())

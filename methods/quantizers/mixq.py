"""Bit widths that training chooses, one for each site (MixQ-GNN, Moustafa et al. 2025)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from methods.lowbit.grid import Grid
from methods.parameters import Positive, PositiveInt
from methods.plugin import register
from methods.quantizers.lsq import LearnedStepSite
from methods.quantizers.penalty import KIB_OF_BITS, penalised
from methods.quantizers.quantized_model import Role
from methods.quantizers.site import Site
from methods.quantizers.site_quantizer import SiteQuantizer

WIDEST = 8


@register("quantizer", "mixq")
class MixQ(SiteQuantizer):
    """Every site chooses among 2, 4 and 8 bits by gradient, then trains on with its choice (Moustafa et al. 2025).

    For `search` passes of training a tensor is the mean of its roundings, weighted by a softmax over one learned number
    a width, and the loss grows by `cost_weight` times the mean widths' memory in KiB. After that, and in every
    evaluation, the width with the largest number is taken alone. Widths start at `smallest_bits`. Grids have learned
    steps (LSQ). The authors start again from an FP32 network after the search; here training goes on.
    """

    range_learning_rate = 1e-3

    def __init__(
        self,
        *,
        smallest_bits: Literal[2, 4] = 2,
        search: PositiveInt = 50,
        cost_weight: float = 0.1,
        choice_rate: Positive = 0.01,
    ) -> None:
        self.widths = [bits for bits in (2, 4, WIDEST) if bits >= smallest_bits]
        self.search, self.cost_weight, self.choice_rate = search, cost_weight, choice_rate

    def bits_of(self, call: str, role: Role, end: bool) -> int:
        return WIDEST

    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        return ChosenWidthSite(x, role, self)

    def range_groups(self, sites: nn.ModuleDict) -> list[dict[str, Any]]:
        named = list(sites.named_parameters())
        choices = [parameter for name, parameter in named if name.endswith(".choice")]
        steps = [parameter for name, parameter in named if not name.endswith(".choice")]
        return [
            {"params": choices, "lr": self.choice_rate, "weight_decay": 0.0},
            {"params": steps, "lr": self.range_learning_rate, "weight_decay": 0.0},
        ]


class ChosenWidthSite(Site):
    """Roundings to several widths side by side, until one of them is chosen.

    Attributes:
        choice: [widths] parameter, one number a width.
        passes: of training, so far.
    """

    def __init__(self, x: Tensor, role: Role, settings: MixQ) -> None:
        super().__init__()
        self.settings, self.passes = settings, 0
        self.candidates = nn.ModuleList(LearnedStepSite(x, bits, role) for bits in settings.widths)
        widths = x.new_tensor(settings.widths)
        self.choice = nn.Parameter(widths.softmax(0).softmax(0))  # as the authors start

    def stored_bits(self) -> float:
        return self.chosen().bits

    def grid(self) -> Grid:
        return self.chosen().grid()

    def chosen(self) -> LearnedStepSite:
        """The width that is used once the search is over, and to predict with."""
        site = self.candidates[int(self.choice.argmax())]
        assert isinstance(site, LearnedStepSite)
        return site

    def forward(self, x: Tensor, exempt: Tensor | None = None) -> Tensor:
        if not self.training or self.passes >= self.settings.search or x.numel() == 0:
            return self.chosen()(x, exempt)
        self.passes += 1
        shares = self.choice.softmax(0)
        values = torch.zeros_like(x)
        for share, site in zip(shares, self.candidates, strict=True):
            values = torch.addcmul(values, share, site(x))
        bits = (shares * shares.new_tensor(self.settings.widths)).sum() * x.numel()
        return penalised(values, self.settings.cost_weight * bits / KIB_OF_BITS)

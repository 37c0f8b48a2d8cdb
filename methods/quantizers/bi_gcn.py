"""Binary products (Wang et al. 2021, Bi-GCN)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from methods.plugin import register
from methods.quantizers.quantized_model import Role
from methods.quantizers.site import Site
from methods.quantizers.site_quantizer import SiteQuantizer


@register("quantizer", "bi_gcn")
class BiGCN(SiteQuantizer):
    """Products of signs: inputs times their row's mean size, weights times their output's (Bi-GCN, Wang et al. 2021).

    Inputs pass a batch norm without parameters first. Sums over neighbours stay FP32, as in the paper, and no kernel
    here multiplies signs, so this is always simulated.
    """

    def bits_of(self, call: str, role: Role, end: bool) -> int:
        return 1 if role in ("input", "weight") else 32

    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        return BinaryWeightSite() if role == "weight" else BinaryInputSite(x)


class BinaryInputSite(Site):
    """sign(x) mean|x| of each row, behind a batch norm."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(x.shape[1], affine=False, device=x.device, dtype=x.dtype)
        if x.shape[0] > 1:  # so that it can be evaluated before it was trained
            variance, mean = torch.var_mean(x.detach(), dim=0)
            self.norm.running_mean, self.norm.running_var = mean, variance

    def stored_bits(self) -> float:
        return 1

    def forward(self, x: Tensor, exempt: Tensor | None = None) -> Tensor:
        if x.numel() == 0:
            return x
        if self.training and x.shape[0] == 1:  # one row has no variance
            return _BinaryRows.apply(self.norm.eval()(x))
        return _BinaryRows.apply(self.norm(x))


class BinaryWeightSite(Site):
    """sign(w) mean|w| of each output."""

    def stored_bits(self) -> float:
        return 1

    def forward(self, x: Tensor, exempt: Tensor | None = None) -> Tensor:
        return _BinaryWeights.apply(x)


def signs(x: Tensor) -> Tensor:
    """1 and -1; a bit has no third value, so 0 counts as positive."""
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


class _BinaryRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x.abs() <= 1)
        return signs(x) * x.abs().mean(1, keepdim=True)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        (passes,) = ctx.saved_tensors
        return gradient * passes


class _BinaryWeights(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return signs(weight) * weight.abs().mean(1, keepdim=True)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        (weight,) = ctx.saved_tensors
        sign, size = signs(weight), weight.abs()
        of_mean = sign * (gradient * sign).mean(1, keepdim=True)
        return gradient * size.mean(1, keepdim=True) * (size <= 1) + of_mean

"""Penalties that belong to a quantizer: they join the gradient of the loss without the loss knowing of them."""

from __future__ import annotations

import torch
from torch import Tensor

KIB_OF_BITS = 8 * 1024
"""Bits in a KiB."""


def penalised(x: Tensor, penalty: Tensor) -> Tensor:
    """x itself, through which a penalty enters the training loss: whatever gradient x gets, the penalty gets 1.

    Args:
        x: a fresh tensor, which what made it does not need for backward.
        penalty: scalar, counted once for each time that backward comes through here.
    """
    return _Penalised.apply(x, penalty)


class _Penalised(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, penalty: Tensor) -> Tensor:
        ctx.one = torch.ones_like(penalty)
        ctx.mark_dirty(x)  # a view could not be worked on in place by what follows
        return x

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return gradient, ctx.one

"""Dropout whose mask costs almost nothing: counter-based random bits on the CPU, torch's own elsewhere.

The seed of every call is drawn from torch's generator, so `torch.manual_seed` decides the masks.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from methods.compilers import has_compiler


def dropout(x: Tensor, rate: float, training: bool) -> Tensor:
    """Set entries to zero with probability `rate` and scale the rest by 1 / (1 - rate) while training.

    The rate is met to within 2^-32; the mask is never stored.
    """
    if not training or rate == 0:
        return x
    if not _has_kernel(x):
        return functional.dropout(x, rate)
    return _Dropout.apply(x, rate, _draw_seed())


def relu_dropout(x: Tensor, rate: float, training: bool) -> Tensor:
    """ReLU followed by dropout, in place of x: only the result is kept for backward.

    x must not be needed by the operation that made it (matrix products, sums and normalisations do not need theirs).
    """
    if not training or rate == 0:
        return functional.relu(x)
    if not _has_kernel(x):
        return functional.dropout(functional.relu(x), rate)
    return _ReluDropout.apply(x, rate, _draw_seed())


def _has_kernel(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32 and x.is_contiguous() and has_compiler(x.device)


def _draw_seed() -> int:
    return int(torch.randint(2**31, ()))


def _kernel_settings(rate: float, seed: int) -> tuple[np.uint32, np.uint32, np.float32]:
    return np.uint32(seed), np.uint32(rate * 2**32), np.float32(1 / (1 - rate))


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, rate: float, seed: int) -> Tensor:
        ctx.rate, ctx.seed = rate, seed
        return _masked(x, rate, seed)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return _Dropout.apply(gradient.contiguous(), ctx.rate, ctx.seed), None, None


class _ReluDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, rate: float, seed: int) -> Tensor:
        from methods.kernels import dropout_cpu
        from methods.kernels.on_cpu import match_threads

        match_threads()
        ctx.mark_dirty(x)
        ctx.scale = 1 / (1 - rate)
        dropout_cpu.relu_dropout(x.detach().view(-1).numpy(), *_kernel_settings(rate, seed))
        ctx.save_for_backward(x)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        from methods.kernels import dropout_cpu

        (out,) = ctx.saved_tensors
        d_x = torch.empty_like(out)
        arrays = out.view(-1).numpy(), gradient.detach().reshape(-1).numpy()
        dropout_cpu.relu_dropout_backward(*arrays, np.float32(ctx.scale), d_x.view(-1).numpy())
        return d_x, None, None


def _masked(x: Tensor, rate: float, seed: int) -> Tensor:
    from methods.kernels import dropout_cpu
    from methods.kernels.on_cpu import match_threads

    match_threads()
    out = torch.empty_like(x)
    dropout_cpu.dropout(x.detach().view(-1).numpy(), out.view(-1).numpy(), *_kernel_settings(rate, seed))
    return out

"""The one home of sparse aggregation: every backbone calls `aggregate` or `attend`.

CPU: a gather-and-sum over CSR rows (torch's embedding bag with rows as bags) and attention kernels in numba. CUDA:
cuSPARSE for sums and attention kernels in Triton. Gradients are exact everywhere; backward goes over the transposed
matrix.
"""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from methods.adjacency import Adjacency
from methods.errors import MethodError


def aggregate(adjacency: Adjacency, x: Tensor) -> Tensor:
    """Sum over in-neighbours: A @ x.

    Args:
        adjacency: A [rows, columns], normalised as the layer wants it.
        x: [columns, features].

    Returns:
        [rows, features].

    Raises:
        MethodError: the shapes do not fit.
    """
    if x.dim() != 2 or x.shape[0] != adjacency.columns:
        raise MethodError(f"aggregate needs x of shape [{adjacency.columns}, features] but got {list(x.shape)}")
    return _Aggregate.apply(x, adjacency)


def attend(
    adjacency: Adjacency,
    source_scores: Tensor,
    target_scores: Tensor,
    messages: Tensor,
    negative_slope: float = 0.2,
    dropout: float = 0.0,
) -> Tensor:
    """Attention over in-neighbours: softmax_u(LeakyReLU(s_u + t_v)) weighted sum of messages.

    Source: Velickovic et al. 2018, eq. 3-4.

    Args:
        adjacency: the pattern [rows, columns]; its values are not used. Rows without entries give zeros.
        source_scores: [columns, heads].
        target_scores: [rows, heads].
        messages: [columns, heads, channels].
        negative_slope: of the LeakyReLU.
        dropout: rate at which attention weights are dropped after the softmax; 0 outside training.

    Returns:
        [rows, heads, channels].

    Raises:
        MethodError: the shapes do not fit.
    """
    heads = source_scores.shape[1]
    expected = [
        (adjacency.columns, heads),
        (adjacency.rows, heads),
        (adjacency.columns, heads, messages.shape[-1]),
    ]
    given = [tuple(tensor.shape) for tensor in (source_scores, target_scores, messages)]
    if given != expected:
        raise MethodError(f"attend needs shapes {expected} but got {given}")
    fused = messages.device.type in ("cpu", "cuda") and messages.dtype == torch.float32
    seed = int(torch.randint(2**31, ())) if dropout > 0 else 0
    if fused:
        return _Attend.apply(source_scores, target_scores, messages, adjacency, negative_slope, dropout, seed)
    return attend_by_edges(adjacency, source_scores, target_scores, messages, negative_slope, dropout)


def attend_by_edges(
    adjacency: Adjacency,
    source_scores: Tensor,
    target_scores: Tensor,
    messages: Tensor,
    negative_slope: float = 0.2,
    dropout: float = 0.0,
) -> Tensor:
    """The same as `attend` with one tensor per edge: any device, any float type.

    It is the definition that the fused kernels are tested against.
    """
    targets, sources = adjacency.row_of_entry(), adjacency.indices.long()
    scores = torch.nn.functional.leaky_relu(source_scores[sources] + target_scores[targets], negative_slope)
    index = targets.unsqueeze(1).expand_as(scores)
    highest = torch.full_like(target_scores, float("-inf")).scatter_reduce(0, index, scores.detach(), "amax")
    weights = (scores - highest[targets]).exp()
    total = torch.zeros_like(target_scores).index_add(0, targets, weights)
    weights = torch.nn.functional.dropout(weights / total[targets], dropout)
    result = messages.new_zeros(adjacency.rows, *messages.shape[1:])
    return result.index_add(0, targets, weights.unsqueeze(-1) * messages[sources])


class _Aggregate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, adjacency: Adjacency) -> Tensor:
        ctx.adjacency = adjacency
        return _multiply(adjacency, x)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        # through `apply` again, so that gradients of gradients are right as well
        return aggregate(ctx.adjacency.transposed(), gradient), None


def _multiply(adjacency: Adjacency, x: Tensor) -> Tensor:
    if x.device.type != "cpu":
        return adjacency.sparse_tensor().to(x.dtype) @ x
    weights = None if adjacency.values is None else adjacency.values.to(x.dtype)
    return torch.embedding_bag(
        x.contiguous(),
        adjacency.indices,
        adjacency.indptr,
        mode=0,
        per_sample_weights=weights,
        include_last_offset=True,
    )[0]


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx, source_scores, target_scores, messages, adjacency, slope, dropout, seed):
        ctx.kernels, ctx.adjacency, ctx.settings = _kernels(messages.device), adjacency, (slope, dropout, seed)
        out, lse = ctx.kernels.attention_forward(adjacency, source_scores, target_scores, messages, *ctx.settings)
        ctx.save_for_backward(source_scores, target_scores, messages, out, lse)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        *inputs, out, lse = ctx.saved_tensors
        gradient = gradient.contiguous()
        # what a softmax's backward subtracts is the same for all edges of a row, and needs no pass over them
        delta = (gradient * out).sum(-1)
        gradients = ctx.kernels.attention_backward(ctx.adjacency, *inputs, lse, delta, gradient, *ctx.settings)
        return *gradients, None, None, None, None


def _kernels(device: torch.device) -> ModuleType:
    if device.type == "cpu":
        from methods.kernels import on_cpu

        return on_cpu
    from methods.kernels import on_cuda

    return on_cuda

"""The one home of sparse aggregation: every backbone calls `aggregate`, `attend` or `attend_dynamic`.

CPU: a gather-and-sum over CSR rows (torch's embedding bag with rows as bags) and attention kernels in numba. CUDA:
cuSPARSE for sums and attention kernels in Triton. Gradients are exact everywhere; backward goes over the transposed
matrix.
"""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.overrides import handle_torch_function, has_torch_function_unary

from methods.adjacency import Adjacency
from methods.compilers import has_compiler
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
    if has_torch_function_unary(x):  # how quantizers take over the sums of a network, as they do its products
        return handle_torch_function(aggregate, (x,), adjacency, x)
    return aggregate_exactly(adjacency, x)


def aggregate_exactly(adjacency: Adjacency, x: Tensor) -> Tensor:
    """As `aggregate`, and in full precision under a quantizer too: for what a network measures, not what it computes.

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
    if has_torch_function_unary(messages):
        inputs = adjacency, source_scores, target_scores, messages
        return handle_torch_function(attend, (messages,), *inputs, negative_slope=negative_slope, dropout=dropout)
    heads = source_scores.shape[1]
    expected = [
        (adjacency.columns, heads),
        (adjacency.rows, heads),
        (adjacency.columns, heads, messages.shape[-1]),
    ]
    given = [tuple(tensor.shape) for tensor in (source_scores, target_scores, messages)]
    if given != expected:
        raise MethodError(f"attend needs shapes {expected} but got {given}")
    settings = adjacency, negative_slope, dropout, _drawn_seed(dropout)
    if _has_kernel(messages):
        return _Attend.apply("attention", source_scores, target_scores, messages, *settings)
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
    scores = functional.leaky_relu(source_scores[sources] + target_scores[targets], negative_slope)
    return _weighted_sum(adjacency, scores, messages, dropout)


def attend_dynamic(
    adjacency: Adjacency,
    sources: Tensor,
    targets: Tensor,
    attention: Tensor,
    negative_slope: float = 0.2,
    dropout: float = 0.0,
) -> Tensor:
    """GATv2's attention over in-neighbours: softmax_u(a . LeakyReLU(s_u + t_v)) weighted sum of s_u.

    Source: Brody et al. 2022, eq. 7, with the weight matrix split in two halves as in the authors' code.

    Args:
        adjacency: the pattern [rows, columns]; its values are not used. Rows without entries give zeros.
        sources: s, [columns, heads, channels].
        targets: t, [rows, heads, channels]; may be the same tensor as `sources`.
        attention: a, [heads, channels].
        negative_slope: of the LeakyReLU.
        dropout: rate at which attention weights are dropped after the softmax; 0 outside training.

    Returns:
        [rows, heads, channels].

    Raises:
        MethodError: the shapes do not fit.
    """
    if has_torch_function_unary(sources):
        inputs = adjacency, sources, targets, attention
        return handle_torch_function(
            attend_dynamic, (sources,), *inputs, negative_slope=negative_slope, dropout=dropout
        )
    heads_and_channels = tuple(attention.shape)
    expected = [(adjacency.columns, *heads_and_channels), (adjacency.rows, *heads_and_channels)]
    given = [tuple(sources.shape), tuple(targets.shape)]
    if attention.dim() != 2 or given != expected:
        raise MethodError(
            f"attend_dynamic needs sources and targets of shapes {expected} for attention of shape [heads, channels] "
            f"but got {given} and {list(heads_and_channels)}"
        )
    settings = adjacency, negative_slope, dropout, _drawn_seed(dropout)
    if _has_kernel(sources):
        return _Attend.apply("dynamic_attention", sources, targets, attention, *settings)
    return attend_dynamic_by_edges(adjacency, sources, targets, attention, negative_slope, dropout)


def attend_dynamic_by_edges(
    adjacency: Adjacency,
    sources: Tensor,
    targets: Tensor,
    attention: Tensor,
    negative_slope: float = 0.2,
    dropout: float = 0.0,
) -> Tensor:
    """The same as `attend_dynamic` with tensors per edge, as `attend_by_edges` is to `attend`."""
    inner = sources[adjacency.indices.long()] + targets[adjacency.row_of_entry()]
    scores = (functional.leaky_relu(inner, negative_slope) * attention).sum(-1)
    return _weighted_sum(adjacency, scores, sources, dropout)


def _weighted_sum(adjacency: Adjacency, scores: Tensor, messages: Tensor, dropout: float) -> Tensor:
    """Sum of messages weighted by the softmax over each row's entries of scores [entries, heads]."""
    targets, sources = adjacency.row_of_entry(), adjacency.indices.long()
    index = targets.unsqueeze(1).expand_as(scores)
    zeros = scores.new_zeros(adjacency.rows, scores.shape[1])
    highest = torch.full_like(zeros, float("-inf")).scatter_reduce(0, index, scores.detach(), "amax")
    weights = (scores - highest[targets]).exp()
    total = zeros.index_add(0, targets, weights)
    weights = functional.dropout(weights / total[targets], dropout)
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
    """Attention by the kernels whose names begin with `kind`: three tensors in, the gradients of these three out."""

    @staticmethod
    def forward(ctx, kind, first, second, third, adjacency, slope, dropout, seed):
        ctx.kind, ctx.adjacency, ctx.settings = kind, adjacency, (slope, dropout, seed)
        run = getattr(_kernels(first.device), f"{kind}_forward")
        out, lse = run(adjacency, first, second, third, *ctx.settings)
        ctx.save_for_backward(first, second, third, out, lse)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        *inputs, out, lse = ctx.saved_tensors
        gradient = gradient.contiguous()
        # what a softmax's backward subtracts is the same for all edges of a row, and needs no pass over them
        delta = (gradient * out).sum(-1)
        run = getattr(_kernels(gradient.device), f"{ctx.kind}_backward")
        gradients = run(ctx.adjacency, *inputs, lse, delta, gradient, *ctx.settings)
        return None, *gradients, None, None, None, None


def _has_kernel(messages: Tensor) -> bool:
    return messages.dtype == torch.float32 and has_compiler(messages.device)


def _drawn_seed(dropout: float) -> int:
    return int(torch.randint(2**31, ())) if dropout > 0 else 0


def _kernels(device: torch.device) -> ModuleType:
    if device.type == "cpu":
        from methods.kernels import on_cpu

        return on_cpu
    from methods.kernels import on_cuda

    return on_cuda

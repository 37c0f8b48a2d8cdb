"""The one home of sparse aggregation: every backbone calls `aggregate` or `attend`.

CPU: a gather-and-sum over CSR rows (torch's embedding bag with rows as bags) and fused attention kernels. CUDA:
cuSPARSE for sums and segment operations for attention. Gradients are exact everywhere; backward multiplies with the
transposed matrix.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from methods.adjacency import Adjacency
from methods.errors import MethodError

_CHUNKS_PER_THREAD = 16


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
    fused = messages.device.type == "cpu" and messages.dtype == torch.float32
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
    def forward(ctx, source_scores, target_scores, messages, adjacency, negative_slope, dropout, seed):
        from methods.kernels import attention_cpu

        match_threads()
        heads, channels = messages.shape[1:]
        out = messages.new_empty(adjacency.rows, heads * channels)
        lse = target_scores.new_empty(adjacency.rows, heads)
        settings = (negative_slope, seed, int(dropout * 2**32), 1 / (1 - dropout))
        attention_cpu.forward(
            *_row_arrays(adjacency),
            _array(source_scores),
            _array(target_scores),
            _array(messages.reshape(-1, heads * channels)),
            *_typed(settings),
            out.numpy(),
            lse.numpy(),
        )
        ctx.adjacency, ctx.settings = adjacency, settings
        out = out.view(-1, heads, channels)
        ctx.save_for_backward(source_scores, target_scores, messages, out, lse)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        from methods.kernels import attention_cpu

        match_threads()
        source_scores, target_scores, messages, out, lse = ctx.saved_tensors
        heads, channels = messages.shape[1:]
        gradient = gradient.contiguous()
        delta = (gradient * out).sum(-1)
        transposed, order = ctx.adjacency.transposed_with_order()
        d_messages = torch.empty_like(messages, memory_format=torch.contiguous_format)
        d_source, d_target = torch.empty_like(source_scores), torch.empty_like(target_scores)
        d_edges = source_scores.new_empty(ctx.adjacency.entries, heads)
        attention_cpu.backward_sources(
            *_row_arrays(transposed),
            order.numpy(),
            _array(source_scores),
            _array(target_scores),
            _array(messages.reshape(-1, heads * channels)),
            *_typed(ctx.settings),
            lse.numpy(),
            delta.numpy(),
            gradient.view(-1, heads * channels).numpy(),
            d_messages.view(-1, heads * channels).numpy(),
            d_source.numpy(),
            d_edges.numpy(),
        )
        bounds, indptr, _ = _row_arrays(ctx.adjacency)
        attention_cpu.sum_rows(bounds, indptr, d_edges.numpy(), d_target.numpy())
        return d_source, d_target, d_messages, None, None, None, None


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


def _typed(settings: tuple[float, int, int, float]) -> tuple[np.float32, np.uint32, np.uint32, np.float32]:

    slope, seed, threshold, scale = settings
    return np.float32(slope), np.uint32(seed), np.uint32(threshold), np.float32(scale)


def _row_arrays(adjacency: Adjacency) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chunk bounds of about equal work, row pointers and indices, as the kernels take them."""
    if adjacency.work_bounds is None:
        # a row costs its entries plus about one more for its own output
        work = adjacency.indptr.long() + torch.arange(adjacency.rows + 1)
        chunks = _CHUNKS_PER_THREAD * torch.get_num_threads()
        adjacency.work_bounds = torch.searchsorted(work, torch.linspace(0, int(work[-1]), chunks + 1).long())
        adjacency.work_bounds[-1] = adjacency.rows
    return adjacency.work_bounds.numpy(), adjacency.indptr.numpy(), adjacency.indices.numpy()


def match_threads() -> None:
    """Let numba use as many threads as torch does."""
    import numba

    # the module fills in its settings at import, where the type checker cannot see them
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]

    numba.set_num_threads(min(torch.get_num_threads(), most))

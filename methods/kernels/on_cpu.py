"""Calls of the CPU kernels with tensors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from methods.adjacency import Adjacency

_CHUNKS_PER_THREAD = 16


def attention_forward(
    adjacency: Adjacency,
    source_scores: Tensor,
    target_scores: Tensor,
    messages: Tensor,
    slope: float,
    dropout: float,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Attention's result [rows, heads, channels] and the log-sum-exp of each row's scores [rows, heads]."""
    from methods.kernels import attention_cpu

    match_threads()
    heads, channels = messages.shape[1:]
    out = messages.new_empty(adjacency.rows, heads * channels)
    lse = target_scores.new_empty(adjacency.rows, heads)
    attention_cpu.forward(
        *_row_arrays(adjacency),
        _array(source_scores),
        _array(target_scores),
        _array(messages.reshape(-1, heads * channels)),
        *_settings(slope, dropout, seed),
        out.numpy(),
        lse.numpy(),
    )
    return out.view(-1, heads, channels), lse


def attention_backward(
    adjacency: Adjacency,
    source_scores: Tensor,
    target_scores: Tensor,
    messages: Tensor,
    lse: Tensor,
    delta: Tensor,
    gradient: Tensor,
    slope: float,
    dropout: float,
    seed: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of source scores, target scores and messages.

    Args:
        delta: [rows, heads], inner product of each head's result and its gradient.
        gradient: [rows, heads, channels], contiguous.
    """
    from methods.kernels import attention_cpu

    match_threads()
    heads, channels = messages.shape[1:]
    transposed, order = adjacency.transposed_with_order()
    d_messages = torch.empty_like(messages, memory_format=torch.contiguous_format)
    d_source, d_target = torch.empty_like(source_scores), torch.empty_like(target_scores)
    d_edges = source_scores.new_empty(adjacency.entries, heads)
    attention_cpu.backward_sources(
        *_row_arrays(transposed),
        order.numpy(),
        _array(source_scores),
        _array(target_scores),
        _array(messages.reshape(-1, heads * channels)),
        *_settings(slope, dropout, seed),
        lse.numpy(),
        delta.numpy(),
        gradient.view(-1, heads * channels).numpy(),
        d_messages.view(-1, heads * channels).numpy(),
        d_source.numpy(),
        d_edges.numpy(),
    )
    bounds, indptr, _ = _row_arrays(adjacency)
    attention_cpu.sum_rows(bounds, indptr, d_edges.numpy(), d_target.numpy())
    return d_source, d_target, d_messages


def match_threads() -> None:
    """Let numba use as many threads as torch does."""
    import numba

    # the module fills in its settings at import, where the type checker cannot see them
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(min(torch.get_num_threads(), most))


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


def _settings(slope: float, dropout: float, seed: int) -> tuple[np.float32, np.uint32, np.uint32, np.float32]:
    return np.float32(slope), np.uint32(seed), np.uint32(dropout * 2**32), np.float32(1 / (1 - dropout))


def _row_arrays(adjacency: Adjacency) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chunk bounds of about equal work, row pointers and indices, as the kernels take them."""
    if adjacency.work_bounds is None:
        # a row costs its entries plus about one more for its own output
        work = adjacency.indptr.long() + torch.arange(adjacency.rows + 1)
        chunks = _CHUNKS_PER_THREAD * torch.get_num_threads()
        adjacency.work_bounds = torch.searchsorted(work, torch.linspace(0, int(work[-1]), chunks + 1).long())
        adjacency.work_bounds[-1] = adjacency.rows
    return adjacency.work_bounds.numpy(), adjacency.indptr.numpy(), adjacency.indices.numpy()

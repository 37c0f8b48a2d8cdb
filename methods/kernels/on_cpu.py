"""Calls of the CPU kernels with tensors."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from methods.adjacency import Adjacency, offsets

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
        *row_arrays(adjacency),
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
        *row_arrays(transposed),
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
    bounds, indptr, _ = row_arrays(adjacency)
    attention_cpu.sum_rows(bounds, indptr, d_edges.numpy(), d_target.numpy())
    return d_source, d_target, d_messages


def dynamic_attention_forward(
    adjacency: Adjacency,
    sources: Tensor,
    targets: Tensor,
    attention: Tensor,
    slope: float,
    dropout: float,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """GATv2 attention's result [rows, heads, channels] and the log-sum-exp of each row's scores [rows, heads]."""
    from methods.kernels import dynamic_attention_cpu

    match_threads()
    heads, channels = attention.shape
    out = sources.new_empty(adjacency.rows, heads, channels)
    lse = sources.new_empty(adjacency.rows, heads)
    dynamic_attention_cpu.forward(
        *row_arrays(adjacency),
        _array(sources.flatten(1)),
        _array(targets.flatten(1)),
        _array(attention),
        *_settings(slope, dropout, seed),
        out.flatten(1).numpy(),
        lse.numpy(),
    )
    return out, lse


def dynamic_attention_backward(
    adjacency: Adjacency,
    sources: Tensor,
    targets: Tensor,
    attention: Tensor,
    lse: Tensor,
    delta: Tensor,
    gradient: Tensor,
    slope: float,
    dropout: float,
    seed: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of sources, targets and attention; `delta` and `gradient` as in `attention_backward`."""
    from methods.kernels import dynamic_attention_cpu

    match_threads()
    heads, channels = attention.shape
    transposed, order = adjacency.transposed_with_order()
    source_matrix, target_matrix = row_arrays(transposed), row_arrays(adjacency)
    arrays = _array(sources.flatten(1)), _array(targets.flatten(1)), _array(attention)
    settings = _settings(slope, dropout, seed)
    d_sources = torch.empty_like(sources, memory_format=torch.contiguous_format)
    d_targets = torch.empty_like(targets, memory_format=torch.contiguous_format)
    d_scores = sources.new_empty(adjacency.entries, heads)
    # one row a chunk of work, added up in their order, so that the sum does not depend on which thread is done first
    of_sources, of_targets = (len(matrix[0]) - 1 for matrix in (source_matrix, target_matrix))
    d_attention = attention.new_zeros(of_sources + of_targets, heads * channels)
    dynamic_attention_cpu.backward_sources(
        *source_matrix,
        order.numpy(),
        *arrays,
        *settings,
        lse.numpy(),
        delta.numpy(),
        gradient.flatten(1).numpy(),
        d_sources.flatten(1).numpy(),
        d_attention[:of_sources].numpy(),
        d_scores.numpy(),
    )
    dynamic_attention_cpu.backward_targets(
        *target_matrix,
        *arrays,
        settings[0],
        d_scores.numpy(),
        d_targets.flatten(1).numpy(),
        d_attention[of_sources:].numpy(),
    )
    return d_sources, d_targets, d_attention.sum(0).view(heads, channels)


def induced(adjacency: Adjacency, nodes: Tensor, position: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """Row pointers, indices and values between some of the nodes; `position` is -1 for all other columns."""
    from methods.kernels import sparse_cpu

    match_threads()
    matrix = adjacency.indptr.numpy(), adjacency.indices.numpy()
    pointers = offsets(torch.from_numpy(sparse_cpu.induced_sizes(*matrix, nodes.numpy(), position.numpy())))
    indices, values = _outputs(adjacency, int(pointers[-1]))
    sparse_cpu.induced_entries(
        *matrix,
        _values(adjacency),
        nodes.numpy(),
        position.numpy(),
        pointers.numpy(),
        indices.numpy(),
        values.numpy(),
    )
    return pointers, indices, None if adjacency.values is None else values


def with_loops(adjacency: Adjacency) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """Row pointers, indices and values with a loop in every row, and which rows had none ([rows] bool)."""
    from methods.kernels import sparse_cpu

    match_threads()
    matrix = adjacency.indptr.numpy(), adjacency.indices.numpy()
    lonely = torch.from_numpy(sparse_cpu.rows_without_loop(*matrix))
    pointers = adjacency.indptr.long() + offsets(lonely)
    indices, values = _outputs(adjacency, int(pointers[-1]))
    sparse_cpu.with_loops(
        *matrix, _values(adjacency), lonely.numpy(), pointers.numpy(), indices.numpy(), values.numpy()
    )
    return pointers, indices, None if adjacency.values is None else values, lonely


def scaled(adjacency: Adjacency, of_row: Tensor, of_column: Tensor | None) -> Tensor:
    """of_row[v] * A[v, u] * of_column[u] for each entry, [entries] float32; no `of_column` means all 1."""
    from methods.kernels import sparse_cpu

    match_threads()
    out = torch.empty(adjacency.entries)
    columns = of_row[:0] if of_column is None else of_column
    matrix = adjacency.indptr.numpy(), adjacency.indices.numpy(), _values(adjacency)
    sparse_cpu.scaled(*matrix, of_row.numpy(), columns.numpy(), out.numpy())
    return out


def match_threads() -> None:
    """Let numba use as many threads as torch does."""
    import numba

    _launch_threads()
    # the module fills in its settings at import, where the type checker cannot see them
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(min(torch.get_num_threads(), most))


@cache
def _launch_threads() -> None:
    """Start numba's threads, which tells OpenMP how many it may use, and tell it torch's number again."""
    from numba.np.ufunc.parallel import _launch_threads as launch

    threads = torch.get_num_threads()
    launch()
    torch.set_num_threads(threads)


def _values(adjacency: Adjacency) -> np.ndarray:
    return np.empty(0, dtype=np.float32) if adjacency.values is None else adjacency.values.numpy()


def _outputs(adjacency: Adjacency, entries: int) -> tuple[Tensor, Tensor]:
    """Room for indices and, where the matrix has them, values."""
    values = torch.empty(0) if adjacency.values is None else adjacency.values.new_empty(entries)
    return adjacency.indices.new_empty(entries), values


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


def _settings(slope: float, dropout: float, seed: int) -> tuple[np.float32, np.uint32, np.uint32, np.float32]:
    return np.float32(slope), np.uint32(seed), np.uint32(dropout * 2**32), np.float32(1 / (1 - dropout))


def row_arrays(adjacency: Adjacency) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chunk bounds of about equal work, row pointers and indices, as the kernels take them."""
    if adjacency.work_bounds is None:
        # a row costs its entries plus about one more for its own output
        work = adjacency.indptr.long() + torch.arange(adjacency.rows + 1)
        chunks = _CHUNKS_PER_THREAD * torch.get_num_threads()
        adjacency.work_bounds = torch.searchsorted(work, torch.linspace(0, int(work[-1]), chunks + 1).long())
        adjacency.work_bounds[-1] = adjacency.rows
    return adjacency.work_bounds.numpy(), adjacency.indptr.numpy(), adjacency.indices.numpy()

"""Attention over CSR in Triton, for CUDA: the same passes as on the CPU, one program per row and head.

Nothing of the size of the edges is kept for backward. Dropout hashes (seed, target, source, head) exactly as the CPU
kernels do, so both draw the same masks. `TRITON_INTERPRET=1` runs these kernels on CPU tensors, which is how they are
tested without a GPU.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from methods.adjacency import Adjacency


@triton.jit
def _mixed(x):
    x = x ^ (x >> 16)
    x = x * 0x21F0AAAD
    x = x ^ (x >> 15)
    x = x * 0xD35A2D97
    return x ^ (x >> 15)


@triton.jit
def keep_scale(seed, target, source, head, threshold, scale):
    """`scale` where attention dropout keeps an edge's head, else 0."""
    bits = _mixed(target.to(tl.uint32) * 0x9E3779B1 + seed.to(tl.uint32))
    bits = _mixed(bits ^ (source.to(tl.uint32) * 0x85EBCA6B + head.to(tl.uint32)))
    return tl.where(bits.to(tl.int64) >= threshold, scale, 0.0)


# the seed and the threshold change with every call, so the compiler must not make a kernel for each
@triton.jit(do_not_specialize=["seed", "threshold"])
def _forward(
    indptr, indices, source_scores, target_scores, messages, out, lse, channels, slope, seed, threshold, scale,
    BLOCK: tl.constexpr, DROPOUT: tl.constexpr,
):  # fmt: skip
    target, head, heads = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64), tl.num_programs(1)
    begin, end = tl.load(indptr + target), tl.load(indptr + target + 1)
    channel = tl.arange(0, BLOCK)
    inside = channel < channels
    own = tl.load(target_scores + target * heads + head)
    highest = tl.full((), float("-inf"), tl.float32)
    total = tl.zeros((), tl.float32)
    result = tl.zeros((BLOCK,), tl.float32)
    for entry in range(begin, end):
        source = tl.load(indices + entry).to(tl.int64)
        score = tl.load(source_scores + source * heads + head) + own
        score = tl.where(score > 0, score, score * slope)
        # the softmax is kept relative to the highest score so far (Milakov and Gimelshein 2018)
        higher = tl.maximum(highest, score)
        shrink, weight = tl.exp(highest - higher), tl.exp(score - higher)
        total = total * shrink + weight
        if DROPOUT:
            weight = weight * keep_scale(seed, target, source, head, threshold, scale)
        message = tl.load(messages + (source * heads + head) * channels + channel, mask=inside, other=0.0)
        result = result * shrink + weight * message
        highest = higher
    has_any = end > begin
    result = tl.where(has_any, result / tl.where(has_any, total, 1.0), 0.0)
    tl.store(out + (target * heads + head) * channels + channel, result, mask=inside)
    tl.store(lse + target * heads + head, tl.where(has_any, highest + tl.log(tl.where(has_any, total, 1.0)), 0.0))


@triton.jit(do_not_specialize=["seed", "threshold"])
def _backward_sources(
    indptr, indices, order, source_scores, target_scores, messages, lse, delta, gradient, d_source, d_messages, d_edges,
    channels, slope, seed, threshold, scale, BLOCK: tl.constexpr, DROPOUT: tl.constexpr,
):  # fmt: skip
    source, head, heads = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64), tl.num_programs(1)
    begin, end = tl.load(indptr + source), tl.load(indptr + source + 1)
    channel = tl.arange(0, BLOCK)
    inside = channel < channels
    own = tl.load(source_scores + source * heads + head)
    message = tl.load(messages + (source * heads + head) * channels + channel, mask=inside, other=0.0)
    d_own = tl.zeros((), tl.float32)
    d_message = tl.zeros((BLOCK,), tl.float32)
    for entry in range(begin, end):
        target = tl.load(indices + entry).to(tl.int64)
        raw = own + tl.load(target_scores + target * heads + head)
        score = tl.where(raw > 0, raw, raw * slope)
        weight = tl.exp(score - tl.load(lse + target * heads + head))
        share = weight
        if DROPOUT:
            share = share * keep_scale(seed, target, source, head, threshold, scale)
        upstream = tl.load(gradient + (target * heads + head) * channels + channel, mask=inside, other=0.0)
        d_message += share * upstream
        d_score = share * tl.sum(upstream * message, 0) - weight * tl.load(delta + target * heads + head)
        d_score = tl.where(raw > 0, d_score, d_score * slope)
        d_own += d_score
        tl.store(d_edges + tl.load(order + entry).to(tl.int64) * heads + head, d_score)
    tl.store(d_source + source * heads + head, d_own)
    tl.store(d_messages + (source * heads + head) * channels + channel, d_message, mask=inside)


@triton.jit
def _sum_rows(indptr, d_edges, d_target):
    target, head, heads = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64), tl.num_programs(1)
    total = tl.zeros((), tl.float32)
    # 64 bits, because entries times heads may need them
    begin, end = tl.load(indptr + target).to(tl.int64), tl.load(indptr + target + 1).to(tl.int64)
    for entry in range(begin, end):
        total += tl.load(d_edges + entry * heads + head)
    tl.store(d_target + target * heads + head, total)


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
    heads, channels = messages.shape[1:]
    out = messages.new_empty(adjacency.rows, heads, channels)
    lse = target_scores.new_empty(adjacency.rows, heads)
    _forward[(adjacency.rows, heads)](
        adjacency.indptr,
        adjacency.indices,
        source_scores.contiguous(),
        target_scores.contiguous(),
        messages.contiguous(),
        out,
        lse,
        channels,
        slope,
        *_dropout_settings(dropout, seed),
        BLOCK=triton.next_power_of_2(channels),
        DROPOUT=dropout > 0,
    )
    return out, lse


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
    """Gradients of source scores, target scores and messages; arguments as on the CPU."""
    heads, channels = messages.shape[1:]
    transposed, order = adjacency.transposed_with_order()
    d_messages = torch.empty_like(messages, memory_format=torch.contiguous_format)
    d_source = torch.empty_like(source_scores, memory_format=torch.contiguous_format)
    d_target = torch.empty_like(target_scores, memory_format=torch.contiguous_format)
    d_edges = source_scores.new_empty(adjacency.entries, heads)
    _backward_sources[(transposed.rows, heads)](
        transposed.indptr,
        transposed.indices,
        order,
        source_scores.contiguous(),
        target_scores.contiguous(),
        messages.contiguous(),
        lse,
        delta,
        gradient,
        d_source,
        d_messages,
        d_edges,
        channels,
        slope,
        *_dropout_settings(dropout, seed),
        BLOCK=triton.next_power_of_2(channels),
        DROPOUT=dropout > 0,
    )
    _sum_rows[(adjacency.rows, heads)](adjacency.indptr, d_edges, d_target)
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
    from methods.kernels import dynamic_attention_cuda

    heads, channels = attention.shape
    out = sources.new_empty(adjacency.rows, heads, channels)
    lse = sources.new_empty(adjacency.rows, heads)
    dynamic_attention_cuda.forward[(adjacency.rows, heads)](
        adjacency.indptr,
        adjacency.indices,
        sources.contiguous(),
        targets.contiguous(),
        attention.contiguous(),
        out,
        lse,
        channels,
        slope,
        *_dropout_settings(dropout, seed),
        BLOCK=triton.next_power_of_2(channels),
        DROPOUT=dropout > 0,
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
    """Gradients of sources, targets and attention; arguments as on the CPU."""
    from methods.kernels import dynamic_attention_cuda

    heads, channels = attention.shape
    transposed, order = adjacency.transposed_with_order()
    arrays = sources.contiguous(), targets.contiguous(), attention.contiguous()
    block = triton.next_power_of_2(channels)
    d_scores = sources.new_empty(adjacency.entries, heads)
    d_sources, of_sources = torch.empty_like(arrays[0]), torch.empty_like(arrays[0])
    dynamic_attention_cuda.backward_sources[(transposed.rows, heads)](
        transposed.indptr,
        transposed.indices,
        order,
        *arrays,
        lse,
        delta,
        gradient,
        d_sources,
        of_sources,
        d_scores,
        channels,
        slope,
        *_dropout_settings(dropout, seed),
        BLOCK=block,
        DROPOUT=dropout > 0,
    )
    d_attention = of_sources.sum(0)
    del of_sources  # its room goes to the next one, which may be as large
    d_targets, of_targets = torch.empty_like(arrays[1]), torch.empty_like(arrays[1])
    dynamic_attention_cuda.backward_targets[(adjacency.rows, heads)](
        adjacency.indptr,
        adjacency.indices,
        *arrays,
        d_scores,
        d_targets,
        of_targets,
        channels,
        slope,
        BLOCK=block,
    )
    return d_sources, d_targets, d_attention + of_targets.sum(0)


def _dropout_settings(dropout: float, seed: int) -> tuple[int, int, float]:
    return seed, int(dropout * 2**32), 1 / (1 - dropout)

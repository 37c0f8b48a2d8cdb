"""GATv2's attention over CSR in Triton: the same passes as in `dynamic_attention_cpu`, one program per row and head."""
# ruff: noqa: N803  Triton's compile-time constants are written in capitals

from __future__ import annotations

import triton
import triton.language as tl

from methods.kernels.on_cuda import keep_scale


# as in `on_cuda`, no kernel of its own for each seed and threshold
@triton.jit(do_not_specialize=["seed", "threshold"])
def forward(
    indptr, indices, sources, targets, attention, out, lse, channels, slope, seed, threshold, scale,
    BLOCK: tl.constexpr, DROPOUT: tl.constexpr,
):  # fmt: skip
    target, head, heads = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64), tl.num_programs(1)
    begin, end = tl.load(indptr + target), tl.load(indptr + target + 1)
    channel = tl.arange(0, BLOCK)
    inside = channel < channels
    place = (target * heads + head) * channels + channel
    own = tl.load(targets + place, mask=inside, other=0.0)
    factors = tl.load(attention + head * channels + channel, mask=inside, other=0.0)
    highest = tl.full((), float("-inf"), tl.float32)
    total = tl.zeros((), tl.float32)
    result = tl.zeros((BLOCK,), tl.float32)
    for entry in range(begin, end):
        source = tl.load(indices + entry).to(tl.int64)
        message = tl.load(sources + (source * heads + head) * channels + channel, mask=inside, other=0.0)
        inner = message + own
        score = tl.sum(factors * tl.where(inner > 0, inner, inner * slope), 0)
        higher = tl.maximum(highest, score)
        shrink, weight = tl.exp(highest - higher), tl.exp(score - higher)
        total = total * shrink + weight
        if DROPOUT:
            weight = weight * keep_scale(seed, target, source, head, threshold, scale)
        result = result * shrink + weight * message
        highest = higher
    has_any = end > begin
    result = tl.where(has_any, result / tl.where(has_any, total, 1.0), 0.0)
    tl.store(out + place, result, mask=inside)
    tl.store(lse + target * heads + head, tl.where(has_any, highest + tl.log(tl.where(has_any, total, 1.0)), 0.0))


@triton.jit(do_not_specialize=["seed", "threshold"])
def backward_sources(
    indptr, indices, order, sources, targets, attention, lse, delta, gradient, d_sources, d_attention, d_scores,
    channels, slope, seed, threshold, scale, BLOCK: tl.constexpr, DROPOUT: tl.constexpr,
):  # fmt: skip
    """Each program leaves its share of the attention's gradient in `d_attention` [columns, heads, channels]."""
    source, head, heads = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64), tl.num_programs(1)
    begin, end = tl.load(indptr + source), tl.load(indptr + source + 1)
    channel = tl.arange(0, BLOCK)
    inside = channel < channels
    place = (source * heads + head) * channels + channel
    own = tl.load(sources + place, mask=inside, other=0.0)
    factors = tl.load(attention + head * channels + channel, mask=inside, other=0.0)
    slopes = tl.zeros((BLOCK,), tl.float32)
    d_own = tl.zeros((BLOCK,), tl.float32)
    for entry in range(begin, end):
        target = tl.load(indices + entry).to(tl.int64)
        row = (target * heads + head) * channels + channel
        inner = own + tl.load(targets + row, mask=inside, other=0.0)
        score = tl.sum(factors * tl.where(inner > 0, inner, inner * slope), 0)
        weight = tl.exp(score - tl.load(lse + target * heads + head))
        share = weight
        if DROPOUT:
            share = share * keep_scale(seed, target, source, head, threshold, scale)
        upstream = tl.load(gradient + row, mask=inside, other=0.0)
        d_own += share * upstream
        d_score = share * tl.sum(upstream * own, 0) - weight * tl.load(delta + target * heads + head)
        slopes += tl.where(inner > 0, d_score, d_score * slope)
        tl.store(d_scores + tl.load(order + entry).to(tl.int64) * heads + head, d_score)
    tl.store(d_sources + place, d_own + factors * slopes, mask=inside)
    tl.store(d_attention + place, own * slopes, mask=inside)


@triton.jit
def backward_targets(
    indptr, indices, sources, targets, attention, d_scores, d_targets, d_attention, channels, slope,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """`d_attention` [rows, heads, channels] as in `backward_sources`."""
    target, head, heads = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64), tl.num_programs(1)
    # 64 bits, because entries times heads may need them
    begin, end = tl.load(indptr + target).to(tl.int64), tl.load(indptr + target + 1).to(tl.int64)
    channel = tl.arange(0, BLOCK)
    inside = channel < channels
    place = (target * heads + head) * channels + channel
    own = tl.load(targets + place, mask=inside, other=0.0)
    factors = tl.load(attention + head * channels + channel, mask=inside, other=0.0)
    slopes = tl.zeros((BLOCK,), tl.float32)
    for entry in range(begin, end):
        source = tl.load(indices + entry).to(tl.int64)
        inner = own + tl.load(sources + (source * heads + head) * channels + channel, mask=inside, other=0.0)
        d_score = tl.load(d_scores + entry * heads + head)
        slopes += tl.where(inner > 0, d_score, d_score * slope)
    tl.store(d_targets + place, factors * slopes, mask=inside)
    tl.store(d_attention + place, own * slopes, mask=inside)

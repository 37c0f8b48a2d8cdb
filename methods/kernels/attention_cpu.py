"""Attention over CSR on the CPU: scores, row softmax and weighted sum in one pass, forward and backward.

Nothing of the size of the edges is kept for backward: the forward keeps the log-sum-exp of each row (as FlashAttention does for
dense attention), and the backward computes the attention weights again. Arrays are float32 and C-contiguous:
scores [nodes, heads], messages and results [nodes, heads * channels].
"""

from __future__ import annotations

import math

import numba
import numpy as np

from methods.kernels.intrinsics import exponential, mixed, prefetch

_AHEAD = 2  # neighbours to prefetch ahead; 1 to 4 measure alike
_LINE = 64


@numba.njit(inline="always")
def _leaky(score, slope):
    return score if score > 0 else score * slope


@numba.njit(inline="always")
def _kept(seed, target, source, head, threshold):
    """Whether attention dropout keeps an edge's head: a hash, so that backward finds the same answer."""
    bits = mixed(numba.uint32(target) * numba.uint32(0x9E3779B1) + numba.uint32(seed))
    bits = mixed(bits ^ (numba.uint32(source) * numba.uint32(0x85EBCA6B) + numba.uint32(head)))
    return bits >= threshold


@numba.njit(inline="always")
def _prefetch_row(matrix, row):
    start = matrix.ctypes.data + row * matrix.shape[1] * 4
    for offset in range(0, matrix.shape[1] * 4, _LINE):
        prefetch(start + offset)


@numba.njit(parallel=True, fastmath={"contract", "nsz", "reassoc"}, cache=True, boundscheck=False)
def forward(
    bounds, indptr, indices, source_scores, target_scores, messages, slope, seed, threshold, scale, out, lse
):
    """Fill `out` [nodes, heads * channels] and `lse` [nodes, heads], the log-sum-exp of each row's scores.

    `bounds` [chunks + 1] splits the rows into chunks of about equal work. `threshold` is 0 without dropout, else the
    dropout rate times 2^32; kept weights are multiplied by `scale`.
    """
    heads = source_scores.shape[1]
    channels = messages.shape[1] // heads
    for chunk in numba.prange(bounds.size - 1):
        highest = np.empty(heads, np.float32)
        total = np.empty(heads, np.float32)
        weight = np.empty(heads, np.float32)
        for target in range(bounds[chunk], bounds[chunk + 1]):
            begin, end = indptr[target], indptr[target + 1]
            highest[:] = -np.inf
            for entry in range(begin, end):
                source = indices[entry]
                for head in range(heads):
                    score = _leaky(source_scores[source, head] + target_scores[target, head], slope)
                    highest[head] = max(highest[head], score)
            total[:] = 0
            row = out[target]
            row[:] = 0
            for entry in range(begin, end):
                source = indices[entry]
                if entry + _AHEAD < indices.size:
                    _prefetch_row(messages, indices[entry + _AHEAD])
                for head in range(heads):
                    score = _leaky(source_scores[source, head] + target_scores[target, head], slope)
                    weight[head] = exponential(score - highest[head])
                    total[head] += weight[head]
                if threshold > 0:
                    for head in range(heads):
                        kept = _kept(seed, target, source, head, threshold)
                        weight[head] = weight[head] * scale if kept else numba.float32(0)
                message = messages[source]
                for head in range(heads):
                    factor = weight[head]
                    for channel in range(head * channels, (head + 1) * channels):
                        row[channel] += factor * message[channel]
            for head in range(heads):
                if end > begin:
                    lse[target, head] = highest[head] + math.log(total[head])
                    inverse = numba.float32(1) / total[head]
                    for channel in range(head * channels, (head + 1) * channels):
                        row[channel] *= inverse
                else:
                    lse[target, head] = 0


@numba.njit(parallel=True, fastmath={"contract", "nsz", "reassoc"}, cache=True, boundscheck=False)
def backward_sources(
    bounds, indptr, indices, order, source_scores, target_scores, messages, slope, seed, threshold, scale,
    lse, delta, gradient, d_messages, d_source_scores, d_edges,
):  # fmt: skip
    """Gradients that belong to message sources, over the transposed CSR; one gather of `gradient` rows.

    `delta` [nodes, heads] is the inner product of each head's output and its gradient. The gradient of each edge's score goes to
    `d_edges` [entries, heads] at the entry's place in the forward order, for `sum_rows` to add up per target.
    """
    heads = source_scores.shape[1]
    channels = messages.shape[1] // heads
    for chunk in numba.prange(bounds.size - 1):
        for source in range(bounds[chunk], bounds[chunk + 1]):
            message = messages[source]
            d_message = d_messages[source]
            d_message[:] = 0
            d_source_scores[source, :] = 0
            for entry in range(indptr[source], indptr[source + 1]):
                target = indices[entry]
                if entry + _AHEAD < indices.size:
                    _prefetch_row(gradient, indices[entry + _AHEAD])
                upstream = gradient[target]
                place = order[entry]
                for head in range(heads):
                    raw = source_scores[source, head] + target_scores[target, head]
                    weight = exponential(min(_leaky(raw, slope) - lse[target, head], numba.float32(0)))
                    factor = weight
                    if threshold > 0:
                        kept = _kept(seed, target, source, head, threshold)
                        factor = weight * scale if kept else numba.float32(0)
                    inner = numba.float32(0)
                    for channel in range(head * channels, (head + 1) * channels):
                        inner += upstream[channel] * message[channel]
                        d_message[channel] += factor * upstream[channel]
                    d_score = factor * inner - weight * delta[target, head]
                    if raw <= 0:
                        d_score *= slope
                    d_source_scores[source, head] += d_score
                    d_edges[place, head] = d_score


@numba.njit(parallel=True, cache=True, boundscheck=False)
def sum_rows(bounds, indptr, d_edges, d_target_scores):
    """Add up the gradients of each target's edges into `d_target_scores` [nodes, heads]."""
    for chunk in numba.prange(bounds.size - 1):
        for target in range(bounds[chunk], bounds[chunk + 1]):
            d_target_scores[target, :] = 0
            for entry in range(indptr[target], indptr[target + 1]):
                for head in range(d_target_scores.shape[1]):
                    d_target_scores[target, head] += d_edges[entry, head]

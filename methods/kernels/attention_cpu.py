"""Attention over CSR on the CPU: scores, row softmax and weighted sum in one pass, forward and backward.

Nothing of the size of the edges is kept for backward: the forward keeps the log-sum-exp of each row (as FlashAttention
does for dense attention), and the backward computes the attention weights again. Arrays are float32 and C-contiguous:
scores [nodes, heads], messages and results [nodes, heads * channels]. `bounds` [chunks + 1] splits the rows into chunks
of about equal work. `threshold` is 0 without dropout, else the dropout rate times 2^32; kept weights are multiplied by
`scale`.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from methods.kernels.intrinsics import exponential, mixed, prefetch
from methods.kernels.vector import axpy, dot

AHEAD = 2  # neighbours to prefetch ahead; 1 to 4 measure alike
_LINE = 64  # bytes of a cache line
FAST = {"contract", "nsz", "reassoc"}  # not "nnan": a diverged run must show its NaN


@numba.njit(inline="always")
def _leaky(score, slope):
    return max(score, score * slope)


@numba.njit(inline="always")
def is_kept(seed, target, source, head, threshold):
    """Whether attention dropout keeps an edge's head: a hash, so that backward finds the same answer."""
    bits = mixed(numba.uint32(target) * numba.uint32(0x9E3779B1) + numba.uint32(seed))
    bits = mixed(bits ^ (numba.uint32(source) * numba.uint32(0x85EBCA6B) + numba.uint32(head)))
    return bits >= threshold


@numba.njit(inline="always")
def prefetch_row(base, row, width):
    start = base + np.int64(row) * width * 4
    for offset in range(0, width * 4, _LINE):
        prefetch(start + offset)


@numba.njit(inline="always")
def longest_row(indptr, begin, end):
    longest = 0
    for row in range(begin, end):
        longest = max(longest, indptr[row + 1] - indptr[row])
    return longest


@numba.njit(inline="always")
def exponentials(values, count):
    # one long loop, because short ones per head do not vectorise
    for position in range(count):
        values[position] = exponential(values[position])


@numba.njit(parallel=True, fastmath=FAST, cache=True, boundscheck=False)
def forward(bounds, indptr, indices, source_scores, target_scores, messages, slope, seed, threshold, scale, out, lse):
    """Fill `out` [nodes, heads * channels] and `lse` [nodes, heads], the log-sum-exp of each row's scores."""
    heads, width = source_scores.shape[1], messages.shape[1]
    channels = width // heads
    message_base, out_base = messages.ctypes.data, out.ctypes.data
    for chunk in numba.prange(bounds.size - 1):
        weights = np.empty(longest_row(indptr, bounds[chunk], bounds[chunk + 1]) * heads, np.float32)
        highest = np.empty(heads, np.float32)
        total = np.empty(heads, np.float32)
        for target in range(bounds[chunk], bounds[chunk + 1]):
            begin, degree = indptr[target], indptr[target + 1] - indptr[target]
            for head in range(heads):
                highest[head] = -np.inf
                total[head] = 0
            for neighbor in range(degree):
                source = indices[begin + neighbor]
                for head in range(heads):
                    score = _leaky(source_scores[source, head] + target_scores[target, head], slope)
                    weights[neighbor * heads + head] = score
                    highest[head] = max(highest[head], score)
            for neighbor in range(degree):
                for head in range(heads):
                    weights[neighbor * heads + head] -= highest[head]
            exponentials(weights, degree * heads)
            for neighbor in range(degree):
                for head in range(heads):
                    total[head] += weights[neighbor * heads + head]
            if threshold > 0:
                for neighbor in range(degree):
                    for head in range(heads):
                        kept = is_kept(seed, target, indices[begin + neighbor], head, threshold)
                        weights[neighbor * heads + head] *= scale if kept else numba.float32(0)
            for head in range(heads):
                lse[target, head] = highest[head] + math.log(total[head]) if degree > 0 else 0
                total[head] = 1 / total[head] if degree > 0 else 0
            out[target, :] = 0
            for neighbor in range(degree):
                if begin + neighbor + AHEAD < indices.size:
                    prefetch_row(message_base, indices[begin + neighbor + AHEAD], width)
                source_row = message_base + np.int64(indices[begin + neighbor]) * width * 4
                for head in range(heads):
                    shift = head * channels * 4
                    share = weights[neighbor * heads + head] * total[head]
                    axpy(out_base + target * width * 4 + shift, source_row + shift, share, channels)


@numba.njit(parallel=True, fastmath=FAST, cache=True, boundscheck=False)
def backward_sources(
    bounds, indptr, indices, order, source_scores, target_scores, messages, slope, seed, threshold, scale,
    lse, delta, gradient, d_messages, d_source_scores, d_edges,
):  # fmt: skip
    """Gradients that belong to message sources, over the transposed CSR; one gather of `gradient` rows.

    `delta` [nodes, heads] is the inner product of each head's output and its gradient. The gradient of each edge's
    score goes to `d_edges` [entries, heads] at the entry's place in the forward order, for `sum_rows` to add up.
    """
    heads, width = source_scores.shape[1], messages.shape[1]
    channels = width // heads
    message_base, gradient_base, result_base = messages.ctypes.data, gradient.ctypes.data, d_messages.ctypes.data
    for chunk in numba.prange(bounds.size - 1):
        weights = np.empty(longest_row(indptr, bounds[chunk], bounds[chunk + 1]) * heads, np.float32)
        for source in range(bounds[chunk], bounds[chunk + 1]):
            begin, degree = indptr[source], indptr[source + 1] - indptr[source]
            for neighbor in range(degree):
                target = indices[begin + neighbor]
                for head in range(heads):
                    score = _leaky(source_scores[source, head] + target_scores[target, head], slope)
                    # rounding may leave it just above 0, where `exponential` is not made for
                    weights[neighbor * heads + head] = min(score - lse[target, head], numba.float32(0))
            exponentials(weights, degree * heads)
            d_messages[source, :] = 0
            for head in range(heads):
                d_source_scores[source, head] = 0
            source_row = message_base + source * width * 4
            result_row = result_base + source * width * 4
            for neighbor in range(degree):
                target = indices[begin + neighbor]
                if begin + neighbor + AHEAD < indices.size:
                    prefetch_row(gradient_base, indices[begin + neighbor + AHEAD], width)
                target_row = gradient_base + np.int64(target) * width * 4
                place = order[begin + neighbor]
                for head in range(heads):
                    weight = weights[neighbor * heads + head]
                    share = weight
                    if threshold > 0:
                        share *= scale if is_kept(seed, target, source, head, threshold) else numba.float32(0)
                    shift = head * channels * 4
                    inner = dot(target_row + shift, source_row + shift, channels)
                    axpy(result_row + shift, target_row + shift, share, channels)
                    d_score = share * inner - weight * delta[target, head]
                    if source_scores[source, head] + target_scores[target, head] <= 0:
                        d_score *= slope
                    d_source_scores[source, head] += d_score
                    d_edges[place, head] = d_score


@numba.njit(parallel=True, cache=True, boundscheck=False)
def sum_rows(bounds, indptr, d_edges, d_target_scores):
    """Add up the gradients of each target's edges into `d_target_scores` [nodes, heads]."""
    for chunk in numba.prange(bounds.size - 1):
        for target in range(bounds[chunk], bounds[chunk + 1]):
            for head in range(d_target_scores.shape[1]):
                d_target_scores[target, head] = 0
            for entry in range(indptr[target], indptr[target + 1]):
                for head in range(d_target_scores.shape[1]):
                    d_target_scores[target, head] += d_edges[entry, head]

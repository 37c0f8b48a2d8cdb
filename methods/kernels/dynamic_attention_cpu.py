"""GATv2's attention over CSR on the CPU: scores, row softmax and weighted sum in one pass, forward and backward.

As in `attention_cpu`, the forward keeps only the log-sum-exp of each row, and the backward computes the scores again.
Arrays are float32 and C-contiguous: sources [columns, heads * channels], targets and results [rows, heads * channels],
attention [heads, channels]. `bounds`, `threshold` and `scale` are those of `attention_cpu`.

With g_uv the gradient of a score a . LeakyReLU(s_u + t_v), the gradient of s_u is a times the sum over its edges of
g_uv LeakyReLU'(s_u + t_v); call the sum `slopes`. LeakyReLU(x) = x LeakyReLU'(x), so the gradient of a is the sum over
all nodes of s_u times its slopes, and of t_v times its slopes: no edge adds to it by itself.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from methods.kernels.attention_cpu import AHEAD, FAST, exponentials, is_kept, longest_row, prefetch_row
from methods.kernels.vector import axpy, dot, leaky_dot, leaky_step


@numba.njit(parallel=True, fastmath=FAST, cache=True, boundscheck=False)
def forward(bounds, indptr, indices, sources, targets, attention, slope, seed, threshold, scale, out, lse):
    """Fill `out` [rows, heads * channels] and `lse` [rows, heads], the log-sum-exp of each row's scores."""
    heads, channels = attention.shape
    width, size = heads * channels, channels * 4
    attention_base, source_base, target_base = attention.ctypes.data, sources.ctypes.data, targets.ctypes.data
    out_base = out.ctypes.data
    for chunk in numba.prange(bounds.size - 1):
        weights = np.empty(longest_row(indptr, bounds[chunk], bounds[chunk + 1]) * heads, np.float32)
        highest = np.empty(heads, np.float32)
        total = np.empty(heads, np.float32)
        for target in range(bounds[chunk], bounds[chunk + 1]):
            begin, degree = indptr[target], indptr[target + 1] - indptr[target]
            target_row = target_base + target * width * 4
            for head in range(heads):
                highest[head] = -np.inf
                total[head] = 0
            for neighbor in range(degree):
                if begin + neighbor + AHEAD < indices.size:
                    prefetch_row(source_base, indices[begin + neighbor + AHEAD], width)
                source_row = source_base + np.int64(indices[begin + neighbor]) * width * 4
                for head in range(heads):
                    shift = head * size
                    score = leaky_dot(attention_base + shift, source_row + shift, target_row + shift, slope, channels)
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
                source_row = source_base + np.int64(indices[begin + neighbor]) * width * 4
                for head in range(heads):
                    share = weights[neighbor * heads + head] * total[head]
                    axpy(out_base + target * width * 4 + head * size, source_row + head * size, share, channels)


@numba.njit(parallel=True, fastmath=FAST, cache=True, boundscheck=False)
def backward_sources(
    bounds, indptr, indices, order, sources, targets, attention, slope, seed, threshold, scale,
    lse, delta, gradient, d_sources, d_attention, d_scores,
):  # fmt: skip
    """Gradients that belong to sources, over the transposed CSR; one gather of `targets` and `gradient` rows.

    `delta` [rows, heads] is the inner product of each head's output and its gradient. The gradient of each edge's score
    goes to `d_scores` [entries, heads] at the entry's place in the forward order, for `backward_targets`. Each chunk
    adds its share of the attention's gradient to its own row of `d_attention` [chunks, heads * channels].
    """
    heads, channels = attention.shape
    width, size = heads * channels, channels * 4
    attention_base, source_base, target_base = attention.ctypes.data, sources.ctypes.data, targets.ctypes.data
    gradient_base, result_base = gradient.ctypes.data, d_sources.ctypes.data
    flat_attention = attention.reshape(width)
    for chunk in numba.prange(bounds.size - 1):
        weights = np.empty(longest_row(indptr, bounds[chunk], bounds[chunk + 1]) * heads, np.float32)
        slopes = np.empty(width, np.float32)
        slopes_base = slopes.ctypes.data
        for source in range(bounds[chunk], bounds[chunk + 1]):
            begin, degree = indptr[source], indptr[source + 1] - indptr[source]
            source_row, result_row = source_base + source * width * 4, result_base + source * width * 4
            for neighbor in range(degree):
                target = indices[begin + neighbor]
                if begin + neighbor + AHEAD < indices.size:
                    prefetch_row(target_base, indices[begin + neighbor + AHEAD], width)
                target_row = target_base + np.int64(target) * width * 4
                for head in range(heads):
                    shift = head * size
                    score = leaky_dot(attention_base + shift, source_row + shift, target_row + shift, slope, channels)
                    # rounding may leave it just above 0, where `exponential` is not made for
                    weights[neighbor * heads + head] = min(score - lse[target, head], numba.float32(0))
            exponentials(weights, degree * heads)
            d_sources[source, :] = 0
            slopes[:] = 0
            for neighbor in range(degree):
                target = indices[begin + neighbor]
                if begin + neighbor + AHEAD < indices.size:
                    prefetch_row(gradient_base, indices[begin + neighbor + AHEAD], width)
                target_row = target_base + np.int64(target) * width * 4
                gradient_row = gradient_base + np.int64(target) * width * 4
                place = order[begin + neighbor]
                for head in range(heads):
                    weight = weights[neighbor * heads + head]
                    share = weight
                    if threshold > 0:
                        share *= scale if is_kept(seed, target, source, head, threshold) else numba.float32(0)
                    shift = head * size
                    inner = dot(gradient_row + shift, source_row + shift, channels)
                    axpy(result_row + shift, gradient_row + shift, share, channels)
                    d_score = share * inner - weight * delta[target, head]
                    leaky_step(slopes_base + shift, source_row + shift, target_row + shift, d_score, slope, channels)
                    d_scores[place, head] = d_score
            for column in range(width):
                d_sources[source, column] += flat_attention[column] * slopes[column]
                d_attention[chunk, column] += sources[source, column] * slopes[column]


@numba.njit(parallel=True, fastmath=FAST, cache=True, boundscheck=False)
def backward_targets(bounds, indptr, indices, sources, targets, attention, slope, d_scores, d_targets, d_attention):
    """Gradients that belong to targets, from the scores' gradients `d_scores`; one gather of `sources` rows.

    `d_attention` [chunks, heads * channels] as in `backward_sources`.
    """
    heads, channels = attention.shape
    width, size = heads * channels, channels * 4
    source_base, target_base = sources.ctypes.data, targets.ctypes.data
    flat_attention = attention.reshape(width)
    for chunk in numba.prange(bounds.size - 1):
        slopes = np.empty(width, np.float32)
        slopes_base = slopes.ctypes.data
        for target in range(bounds[chunk], bounds[chunk + 1]):
            target_row = target_base + target * width * 4
            slopes[:] = 0
            for entry in range(indptr[target], indptr[target + 1]):
                if entry + AHEAD < indices.size:
                    prefetch_row(source_base, indices[entry + AHEAD], width)
                source_row = source_base + np.int64(indices[entry]) * width * 4
                for head in range(heads):
                    shift, d_score = head * size, d_scores[entry, head]
                    leaky_step(slopes_base + shift, source_row + shift, target_row + shift, d_score, slope, channels)
            for column in range(width):
                d_targets[target, column] = flat_attention[column] * slopes[column]
                d_attention[chunk, column] += targets[target, column] * slopes[column]

"""Dropout on the CPU with counter-based random bits: no mask is stored, backward finds the same bits again.

torch's dropout spends 40 % of a full-batch epoch in drawing its mask. Arrays are flat float32.
"""

from __future__ import annotations

import numba

from methods.kernels.intrinsics import mixed

_CHUNK = 1 << 15


@numba.njit(parallel=True, cache=True, boundscheck=False)
def dropout(x, out, seed, threshold, scale):
    """out = x * scale where a hash of (seed, position) is at least `threshold` (rate times 2^32), else 0."""
    for chunk in numba.prange((x.size + _CHUNK - 1) // _CHUNK):
        start = chunk * _CHUNK
        # positions are counted in 32 bits within a chunk whose own seed is a hash of the chunk
        key = mixed(numba.uint32(seed) ^ mixed(numba.uint32(chunk)))
        for offset in range(min(_CHUNK, x.size - start)):
            bits = mixed(numba.uint32(offset) * numba.uint32(0x9E3779B1) + key)
            out[start + offset] = x[start + offset] * scale if bits >= threshold else numba.float32(0)


@numba.njit(parallel=True, cache=True, boundscheck=False)
def relu_dropout(x, seed, threshold, scale):
    """In place: x = max(x, 0) * scale where kept, else 0. A NaN stays a NaN, so that divergence is seen."""
    for chunk in numba.prange((x.size + _CHUNK - 1) // _CHUNK):
        start = chunk * _CHUNK
        key = mixed(numba.uint32(seed) ^ mixed(numba.uint32(chunk)))
        for offset in range(min(_CHUNK, x.size - start)):
            bits = mixed(numba.uint32(offset) * numba.uint32(0x9E3779B1) + key)
            value = x[start + offset]
            x[start + offset] = value * scale if (bits >= threshold and not value <= 0) else numba.float32(0)


@numba.njit(parallel=True, cache=True, boundscheck=False)
def relu_dropout_backward(out, gradient, scale, d_x):
    """d_x = gradient * scale where the output is positive: dropped and clipped entries are the zeros of the output."""
    for chunk in numba.prange((out.size + _CHUNK - 1) // _CHUNK):
        start = chunk * _CHUNK
        for position in range(start, min(start + _CHUNK, out.size)):
            d_x[position] = numba.float32(0) if out[position] <= 0 else gradient[position] * scale

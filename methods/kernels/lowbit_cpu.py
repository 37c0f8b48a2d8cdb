"""Aggregation of packed rows on the CPU: integer sums, what follows them, and packing again, in one pass.

Arrays are C-contiguous; packed rows are flat uint8. `bounds` [chunks + 1] splits the rows into chunks of about equal
work, and each chunk has a row of `scratch` to itself (see `lowbit_blocks.scratch_bytes`).
"""

from __future__ import annotations

import numba
import numpy as np

from methods.kernels.intrinsics import prefetch
from methods.kernels.lowbit_blocks import LINE, VALUE_BYTES, copy
from methods.kernels.lowbit_finish import finish_2, finish_4, finish_8, finish_floats, finish_streaming
from methods.kernels.lowbit_sums import add_rows
from methods.kernels.lowbit_values import COLUMNS, clear, put_integer

_AHEAD = 32  # entries between a row's prefetch and its use
_NEAR = 1 << 20  # bytes of a table that a core keeps in a cache of its own, where prefetches only cost time


@numba.njit(inline="always")
def _sum_row(bits, stride, table, tail, tail_begins, indices, index_base, reach, begin, end, sums):
    """int32 sums of the codes of the rows `indices[begin:end]`, no matter how many; prefetches up to entry `reach`."""
    # below what `add_rows` can take, in groups of four at 2 bits, and few enough for prefetched rows to stay in cache
    at_once = 84 if bits == 2 else (17 if bits == 4 else 128)
    position, first = begin, True
    while first or position < end:
        stop = min(position + at_once, end)
        for entry in range(position + _AHEAD, min(stop + _AHEAD, reach)):
            start = table + np.int64(indices[entry]) * stride
            prefetch(start)
            offset = LINE
            while offset < stride:
                prefetch(start + offset)
                offset += LINE
        add_rows(bits, stride, table, tail, tail_begins, index_base, position, stop, sums, first)
        position, first = stop, False


@numba.njit(parallel=True, cache=True, boundscheck=False)
def code_sums(bounds, indptr, indices, table, scratch, out):
    """out [rows, columns] int32 = sum of the codes of each row's entries."""
    scratch_base, out_base, length = scratch.ctypes.data, out.ctypes.data, 4 * out.shape[1]
    base, index_base, bits, stride, tail_begins = (
        table.codes.ctypes.data, indices.ctypes.data, table.bits, table.stride, table.tail_begins,
    )  # fmt: skip
    tail = table.tail.ctypes.data - tail_begins * stride
    reach = indices.size if table.codes.size > _NEAR else 0
    for chunk in numba.prange(bounds.size - 1):
        sums = scratch_base + chunk * scratch.shape[1]
        for row in range(bounds[chunk], bounds[chunk + 1]):
            begin, end = indptr[row], indptr[row + 1]
            _sum_row(bits, stride, base, tail, tail_begins, indices, index_base, reach, begin, end, sums)
            copy(sums, out_base + row * length, length)


@numba.njit(parallel=True, cache=True, boundscheck=False)
def aggregate(
    bounds, indptr, indices, table, root, terms, result, anchor_table, anchor, bias, rounding, scratch,
    columns, out, out_codes, out_bits, streaming,
):  # fmt: skip
    """Fill `out` [rows, columns] float32, or where that is empty `out_codes` with rows of `out_bits`.

    `root` [rows] is the inverse root of the degrees. `result` (Rounding) is used where `terms.rounds`. The anchor is
    `anchor_table` or else `anchor` [rows, columns], and both may be empty; so may `bias` [columns, filled up to 64].
    `streaming` writes past the caches, which needs rows of a multiple of 64 bytes.

    Returns whether a float anchor of a packed result has a NaN.
    """
    one, nothing = numba.float32(1), numba.float32(0)
    width = (columns + 255) // 256 * 256
    scratch_base, out_base = scratch.ctypes.data, out.ctypes.data
    code_base, code_stride = out_codes.ctypes.data, (columns * out_bits + 7) // 8
    base, index_base, bits, stride, tail_begins = (
        table.codes.ctypes.data, indices.ctypes.data, table.bits, table.stride, table.tail_begins,
    )  # fmt: skip
    tail = table.tail.ctypes.data - tail_begins * stride
    reach = indices.size if table.codes.size > _NEAR else 0
    anchor_base, anchor_bits, anchor_stride, anchor_tail_begins = (
        anchor_table.codes.ctypes.data, anchor_table.bits, anchor_table.stride, anchor_table.tail_begins,
    )  # fmt: skip
    anchor_tail = anchor_table.tail.ctypes.data - anchor_tail_begins * anchor_stride
    packed_anchor, float_anchor, biased = anchor_table.codes.size > 0, anchor.size > 0, bias.size > 0
    float_anchors, bias_base, in_floats = anchor.ctypes.data, bias.ctypes.data, out.size > 0
    zero, floor, scaled, rounds = terms.zero, terms.floor, terms.scaled, terms.rounds
    found = np.zeros(bounds.size - 1, np.bool_)
    for chunk in numba.prange(bounds.size - 1):
        bad = False
        sums = scratch_base + chunk * scratch.shape[1]
        anchor_sums = sums + 4 * width
        spare_values = anchor_sums + 4 * width
        spare_codes = spare_values + VALUE_BYTES
        itself = spare_codes + LINE
        for row in range(bounds[chunk], bounds[chunk + 1]):
            begin, end = indptr[row], indptr[row + 1]
            _sum_row(bits, stride, base, tail, tail_begins, indices, index_base, reach, begin, end, sums)
            if packed_anchor:
                put_integer(itself, numba.int32(row))
                add_rows(
                    anchor_bits, anchor_stride, anchor_base, anchor_tail, anchor_tail_begins,
                    itself, 0, 1, anchor_sums, True,
                )  # fmt: skip
            own = root[row]
            weight = own if scaled else one
            shift = zero * numba.float32(end - begin)
            factor, after = terms.share * own * weight, nothing
            if rounds:
                factor, after = result.factor * own, terms.share * weight
            for column in range(0, columns, COLUMNS):
                left = numba.int32(min(columns - column, COLUMNS))
                anchor_block = anchor_sums + 4 * column if packed_anchor else 0
                float_block = float_anchors + 4 * (row * columns + column) if float_anchor else 0
                if float_anchor and left < COLUMNS:
                    clear(spare_values)
                    copy(float_block, spare_values, 4 * left)
                    float_block = spare_values
                given = (
                    sums + 4 * column, shift, factor,
                    rounds, result.offset, result.low, result.high, result.zero, after,
                    anchor_block, float_block, terms.anchor_zero, terms.anchor_share * weight,
                    bias_base + 4 * column if biased else 0, terms.bias_share * weight, floor,
                )  # fmt: skip
                if in_floats:
                    target = out_base + 4 * (row * columns + column)
                    if left < COLUMNS:
                        finish_floats(*given, spare_values)
                        copy(spare_values, target, 4 * left)
                    elif streaming:
                        finish_streaming(*given, target)
                    else:
                        finish_floats(*given, target)
                    continue
                target = code_base + row * code_stride + column * out_bits // 8
                into = spare_codes if left < COLUMNS else target
                if out_bits == 2:
                    bad |= finish_2(*given, rounding.offset, rounding.low, rounding.high, left, into)
                elif out_bits == 4:
                    bad |= finish_4(*given, rounding.offset, rounding.low, rounding.high, left, into)
                else:
                    bad |= finish_8(*given, rounding.offset, rounding.low, rounding.high, left, into)
                if left < COLUMNS:
                    copy(spare_codes, target, (left * out_bits + 7) // 8)
        found[chunk] = bad
    return found.any()

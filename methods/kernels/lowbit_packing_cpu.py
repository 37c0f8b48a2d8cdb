"""Rows quantized, packed, packed again on another grid and unpacked on the CPU; arrays as in `lowbit_cpu`."""

from __future__ import annotations

import numba
import numpy as np

from methods.kernels.lowbit_blocks import LINE, VALUE_BYTES, copy
from methods.kernels.lowbit_finish import encode_2, encode_4, encode_8, recode_8
from methods.kernels.lowbit_thresholds import recode_2, recode_4, search_thresholds, solve_thresholds
from methods.kernels.lowbit_values import COLUMNS, spread_2, spread_4

_SMALL = np.float32(1e-3)
"""Factors between two grids below this may be less than a rounding error of a code."""


@numba.njit(parallel=True, cache=True, boundscheck=False)
def quantize(bounds, x, of_row, rounding, scratch, out, bits):
    """Fill the packed rows `out` from x [rows, columns] float32, row i times of_row[i]; `of_row` may be empty.

    Returns whether x has a NaN.
    """
    columns = x.shape[1]
    stride = (columns * bits + 7) // 8
    x_base, scratch_base, out_base, scaled = x.ctypes.data, scratch.ctypes.data, out.ctypes.data, of_row.size > 0
    offset, low, high = rounding.offset, rounding.low, rounding.high
    found = np.zeros(bounds.size - 1, np.bool_)
    for chunk in numba.prange(bounds.size - 1):
        spare_values = scratch_base + chunk * scratch.shape[1]
        spare_codes = spare_values + VALUE_BYTES
        bad = False
        for row in range(bounds[chunk], bounds[chunk + 1]):
            factor = rounding.factor * of_row[row] if scaled else rounding.factor
            for column in range(0, columns, COLUMNS):
                left = numba.int32(min(columns - column, COLUMNS))
                source = x_base + 4 * (row * columns + column)
                target = out_base + row * stride + column * bits // 8
                into = target
                if left < COLUMNS:
                    copy(source, spare_values, 4 * left)
                    source, into = spare_values, spare_codes
                if bits == 2:
                    bad |= encode_2(source, factor, offset, low, high, left, into)
                elif bits == 4:
                    bad |= encode_4(source, factor, offset, low, high, left, into)
                else:
                    bad |= encode_8(source, factor, offset, low, high, left, into)
                if left < COLUMNS:
                    copy(spare_codes, target, (left * bits + 7) // 8)
        found[chunk] = bad
    return found.any()


@numba.njit(parallel=True, cache=True, boundscheck=False)
def requantize(bounds, codes, given, of_row, rounding, scratch, out, bits):
    """Fill the packed rows `out` from `codes` [rows, columns] uint8 of the grid `given`, row i times of_row[i].

    Codes outside `given.low` to `given.high` count as the nearer end. `rounding.factor` holds both steps. No factor
    of a row is negative.
    """
    columns = codes.shape[1]
    stride = (columns * bits + 7) // 8
    code_base, scratch_base, out_base, scaled = (
        codes.ctypes.data, scratch.ctypes.data, out.ctypes.data, of_row.size > 0,
    )  # fmt: skip
    offset, low, high = rounding.offset, rounding.low, rounding.high
    first, last, zero = given.low, given.high, given.zero
    smallest, filler = np.uint8(low), np.uint8(min(max(np.rint(offset), low), high))
    for chunk in numba.prange(bounds.size - 1):
        spare_source = scratch_base + chunk * scratch.shape[1]
        spare_codes = spare_source + LINE
        thresholds = spare_codes + LINE
        passed = search_thresholds(first, last, zero, rounding.factor, offset, low, high, thresholds)
        for row in range(bounds[chunk], bounds[chunk + 1]):
            factor = rounding.factor * of_row[row] if scaled else rounding.factor
            if scaled and bits < 8:
                if factor < _SMALL:
                    passed = search_thresholds(first, last, zero, factor, offset, low, high, thresholds)
                else:
                    passed = solve_thresholds(first, last, zero, factor, offset, low, high, thresholds)
            start = np.uint8(smallest + passed)
            for column in range(0, columns, COLUMNS):
                left = numba.int32(min(columns - column, COLUMNS))
                source = code_base + row * columns + column
                target = out_base + row * stride + column * bits // 8
                into = target
                if left < COLUMNS:
                    copy(source, spare_source, left)
                    source, into = spare_source, spare_codes
                if bits == 2:
                    recode_2(source, thresholds, start, filler, left, into)
                elif bits == 4:
                    recode_4(source, thresholds, start, filler, left, into)
                else:
                    recode_8(source, first, last, zero, factor, offset, low, high, left, into)
                if left < COLUMNS:
                    copy(spare_codes, target, (left * bits + 7) // 8)


@numba.njit(parallel=True, cache=True, boundscheck=False)
def unpack(bounds, packed, bits, scratch, out):
    """Fill out [rows, columns] uint8 with the codes of packed rows of 2 or 4 bits."""
    columns = out.shape[1]
    stride = (columns * bits + 7) // 8
    packed_base, scratch_base, out_base = packed.ctypes.data, scratch.ctypes.data, out.ctypes.data
    for chunk in numba.prange(bounds.size - 1):
        spare_packed = scratch_base + chunk * scratch.shape[1]
        spare_codes = spare_packed + LINE
        for row in range(bounds[chunk], bounds[chunk + 1]):
            for column in range(0, columns, COLUMNS):
                left = columns - column
                source = packed_base + row * stride + column * bits // 8
                target = out_base + row * columns + column
                into = target
                if left < COLUMNS:
                    copy(source, spare_packed, (left * bits + 7) // 8)
                    source, into = spare_packed, spare_codes
                if bits == 2:
                    spread_2(source, into)
                else:
                    spread_4(source, into)
                if left < COLUMNS:
                    copy(spare_codes, target, left)

"""Sums of packed rows of every size of block, up to as many rows as a byte holds."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from methods.kernels.lowbit_sums import CAPACITY, add_rows, block_size


@numba.njit
def added(bits, stride, table, tail, tail_begins, indices, begin, end, sums, first):
    base, behind = table.ctypes.data, tail.ctypes.data - tail_begins * stride
    add_rows(
        bits, stride, base, behind, tail_begins, indices.ctypes.data, begin, end, sums.ctypes.data, first
    )  # fmt: skip


def codes_of(table: np.ndarray, bits: int) -> np.ndarray:
    places = table[:, :, None] >> np.arange(0, 8, bits) & (2**bits - 1)
    return places.reshape(len(table), -1).astype(np.int64)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9, "all"])
@pytest.mark.parametrize("stride", [1, 16, 17, 32, 40, 64, 100, 129])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_sums_of_rows(bits: int, stride: int, count: int | str) -> None:
    generator = np.random.default_rng(stride)
    table = generator.integers(0, 256, (30, stride)).astype(np.uint8)
    table[:10] = 255
    # rows 25 to 29 are read from the tail
    tail = np.zeros(5 * stride + 64, np.uint8)
    tail[: 5 * stride] = table[25:].ravel()
    # no row of the table but these may be needed, and blocks may end behind it
    hidden = np.zeros(25 * stride + 64, np.uint8)
    hidden[: 25 * stride] = table[:25].ravel()
    if count == "all":
        indices = generator.integers(0, 10, CAPACITY[bits]).astype(np.int32)
    else:
        indices = generator.integers(0, 30, count).astype(np.int32)
    sums = np.full(stride * 8 // bits + 512, 7, np.int32)
    expected = codes_of(table, bits)[indices].sum(0)
    added(bits, stride, hidden, tail, 25, indices, 0, len(indices), sums, True)
    np.testing.assert_array_equal(sums[: len(expected)], expected)
    added(bits, stride, hidden, tail, 25, indices, 0, len(indices), sums, False)
    np.testing.assert_array_equal(sums[: len(expected)], 2 * expected)


def test_blocks_cover_what_is_left() -> None:
    assert [block_size(left) for left in (1, 16, 17, 32, 33, 64, 500)] == [16, 16, 32, 32, 64, 64, 64]

"""Vector instructions that move codes and numbers."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from methods.kernels.lowbit_blocks import copy, scratch_bytes
from methods.kernels.lowbit_values import put_integer, spread_2, spread_4


@numba.njit
def spread(bits, packed, codes):
    if bits == 2:
        spread_2(packed.ctypes.data, codes.ctypes.data)
    else:
        spread_4(packed.ctypes.data, codes.ctypes.data)


@numba.njit
def copied(source, target, length):
    copy(source.ctypes.data, target.ctypes.data, length)
    return target


@numba.njit
def put(target, value):
    put_integer(target.ctypes.data, numba.int32(value))
    return target


@pytest.mark.parametrize("bits", [2, 4])
def test_codes_are_spread_lowest_bits_first(bits: int) -> None:
    packed = np.random.default_rng(bits).integers(0, 256, 8 * bits).astype(np.uint8)
    codes = np.zeros(64, np.uint8)
    spread(bits, packed, codes)
    np.testing.assert_array_equal(codes, (packed[:, None] >> np.arange(0, 8, bits) & (2**bits - 1)).ravel())


@pytest.mark.parametrize("length", [0, 1, 7, 8, 63, 64, 75, 200])
def test_no_byte_more_than_the_length_is_copied(length: int) -> None:
    source, target = np.arange(1, 251, dtype=np.uint8), np.zeros(250, np.uint8)
    copied(source, target, length)
    np.testing.assert_array_equal(target[:length], source[:length])
    assert not target[length:].any()


def test_one_integer_is_written() -> None:
    assert put(np.zeros(3, np.int32), -5).tolist() == [-5, 0, 0]


def test_scratch_holds_blocks_of_2_bits_and_begins_every_chunk_at_a_cache_line() -> None:
    assert scratch_bytes(1) >= 2 * 4 * 256
    assert all(scratch_bytes(columns) % 64 == 0 for columns in (1, 40, 256, 257))

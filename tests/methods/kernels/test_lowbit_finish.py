"""Blocks of 64 columns from sums and floats to packed codes, against numpy."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from methods.kernels.lowbit_finish import encode_2, encode_4, encode_8, finish_8, finish_floats


@numba.njit
def encoded(bits, values, packed, columns):
    base, into, last = values.ctypes.data, packed.ctypes.data, numba.int32(columns)
    one, zero, high = numba.float32(1), numba.float32(1), numba.float32(2**bits - 1)
    low = numba.float32(0)
    if bits == 2:
        return encode_2(base, one, zero, low, high, last, into)
    if bits == 4:
        return encode_4(base, one, zero, low, high, last, into)
    return encode_8(base, one, zero, low, high, last, into)


@numba.njit
def finished(sums, addend, bias, floats, codes):
    number = numba.float32
    given = (
        sums.ctypes.data, number(3), number(0.5), True, number(4), number(1), number(14), number(4), number(0.5),
        sums.ctypes.data, addend.ctypes.data, number(1), number(-0.125), bias.ctypes.data, number(0.25), number(-2),
    )  # fmt: skip
    finish_floats(*given, floats.ctypes.data)
    return finish_8(*given, number(9), number(2), number(11), numba.int32(60), codes.ctypes.data)


def places(packed: np.ndarray, bits: int) -> np.ndarray:
    return (packed[:, None] >> np.arange(0, 8, bits) & (2**bits - 1)).ravel()


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_values_are_rounded_half_to_even_clamped_and_packed(bits: int) -> None:
    values = np.random.default_rng(bits).uniform(-3, 2**bits, 64).astype(np.float32)
    values[:3] = [0.5, 1.5, -0.5]
    packed = np.zeros(8 * bits, np.uint8)
    assert not encoded(bits, values, packed, 61)
    expected = np.clip(np.rint(values + 1), 0, 2**bits - 1)
    expected[61:] = 1  # the code of 0
    np.testing.assert_array_equal(places(packed, bits), expected)


@pytest.mark.parametrize("place", [0, 15, 16, 63])
def test_nan_is_seen_in_every_lane_that_counts(place: int) -> None:
    values, packed = np.zeros(64, np.float32), np.zeros(64, np.uint8)
    values[place] = np.nan
    assert encoded(8, values, packed, 64)
    assert encoded(8, values, packed, place + 1)
    assert not encoded(8, values, packed, place)


def test_every_part_of_a_finish() -> None:
    generator = np.random.default_rng(0)
    sums = generator.integers(-20, 60, 64).astype(np.int32)
    addend, bias = generator.standard_normal((2, 64)).astype(np.float32)
    floats, codes = np.zeros(64, np.float32), np.zeros(64, np.uint8)
    assert not finished(sums, addend, bias, floats, codes)
    single = sums.astype(np.float32)
    expected = (np.clip(np.rint((single - 3) * np.float32(0.5) + 4), 1, 14) - 4) * np.float32(0.5)
    expected = expected + (single - 1) * np.float32(-0.125)
    expected = expected + addend * np.float32(-0.125)
    expected = np.maximum(expected + bias * np.float32(0.25), np.float32(-2))
    np.testing.assert_array_equal(floats, expected)
    wanted = np.clip(np.rint(expected + 9), 2, 11)
    wanted[60:] = 9
    np.testing.assert_array_equal(codes, wanted)

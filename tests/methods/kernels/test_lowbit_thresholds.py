"""Codes moved to another grid by thresholds, against the float32 arithmetic that defines them."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from methods.kernels.lowbit_thresholds import recode_2, recode_4, search_thresholds, solve_thresholds

EVERY_BYTE = np.arange(256, dtype=np.uint8)


@numba.njit
def recoded(bits, codes, numbers, low, filler, columns, solved, thresholds, packed):
    given = (
        numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numba.float32(low), numbers[5],
        thresholds.ctypes.data,
    )  # fmt: skip
    passed = solve_thresholds(*given) if solved else search_thresholds(*given)
    for block in range(4):
        source, into = codes.ctypes.data + 64 * block, packed.ctypes.data + 8 * bits * block
        wanted = (numba.uint8(low + passed), numba.uint8(filler), numba.int32(columns), into)
        if bits == 2:
            recode_2(source, thresholds.ctypes.data, *wanted)
        else:
            recode_4(source, thresholds.ctypes.data, *wanted)


def places(packed: np.ndarray, bits: int) -> np.ndarray:
    return (packed[:, None] >> np.arange(0, 8, bits) & (2**bits - 1)).ravel()


def found(
    bits: int, numbers: tuple[float, ...], low: int = 0, filler: int = 0, columns: int = 64, solved: bool = False
) -> np.ndarray:
    packed = np.zeros(32 * bits, np.uint8)
    recoded(bits, EVERY_BYTE, np.float32(numbers), low, filler, columns, solved, np.zeros(16, np.uint8), packed)
    return places(packed, bits)


def defined(given_low, given_high, zero, factor, offset, high, low=0) -> np.ndarray:
    values = np.clip(EVERY_BYTE.astype(np.float32), np.float32(given_low), np.float32(given_high)) - np.float32(zero)
    return np.clip(np.rint(values * np.float32(factor) + np.float32(offset)), low, high)


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("factor", [0.0, 1e-6, 1e-3, 0.011, 0.5, 1.0, 7.3, 4e9])
@pytest.mark.parametrize("offset", [0.0, 0.5, 1.49999, 2.0, 300.0, -300.0])
def test_every_byte_has_the_code_of_the_float32_arithmetic(bits: int, factor: float, offset: float) -> None:
    for given_low, given_high, zero in ((0, 255, 0), (0, 255, 128), (128, 255, 128), (17.5, 200, 17.5), (0, 3, 1)):
        numbers = (given_low, given_high, zero, factor, offset, 2**bits - 1)
        np.testing.assert_array_equal(found(bits, numbers), defined(*numbers))
        if factor >= 1e-3:
            np.testing.assert_array_equal(found(bits, numbers, solved=True), defined(*numbers))


@pytest.mark.parametrize("bits", [2, 4])
def test_random_grids(bits: int) -> None:
    generator = np.random.default_rng(bits)
    for _ in range(300):
        low, high = sorted(generator.integers(0, 2**bits, 2))
        numbers = (0, 255, generator.integers(0, 256), generator.gamma(0.5, 0.1), generator.normal(1, 3), high)
        np.testing.assert_array_equal(found(bits, numbers, low=low), defined(*numbers, low=low))
        larger = (*numbers[:3], numbers[3] + 1e-3, *numbers[4:])
        np.testing.assert_array_equal(found(bits, larger, low=low, solved=True), defined(*larger, low=low))


def test_a_block_is_filled_up_with_the_code_of_zero() -> None:
    codes = found(4, (0, 255, 0, 1.0, 0.0, 15), filler=5, columns=40).reshape(4, 64)
    assert (codes[:, 40:] == 5).all()
    np.testing.assert_array_equal(codes[0, :40], np.minimum(np.arange(40), 15))

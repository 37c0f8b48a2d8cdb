"""The fast exponential and the hash behind the random bits."""

from __future__ import annotations

import numba
import numpy as np

from methods.kernels.intrinsics import exponential, mixed


@numba.njit
def exponentials(x):
    out = np.empty_like(x)
    for position in range(x.size):
        out[position] = exponential(x[position])
    return out


@numba.njit
def hashes(count):
    out = np.empty(count, np.uint32)
    for position in range(count):
        out[position] = mixed(numba.uint32(position))
    return out


def test_exponential_is_accurate_over_the_whole_range() -> None:
    x = np.linspace(-87, 0, 200_001).astype(np.float32)
    expected = np.exp(x.astype(np.float64))
    assert np.max(np.abs(exponentials(x) - expected) / expected) < 3e-7


def test_exponential_of_zero_far_below_and_nan() -> None:
    found = exponentials(np.array([0, -1e4, -np.inf, np.nan], np.float32))
    assert found[0] == 1
    assert 0 <= found[1] < 1e-37 and 0 <= found[2] < 1e-37
    assert np.isnan(found[3])


def test_hash_is_a_permutation_with_balanced_bits() -> None:
    found = hashes(1 << 16)
    assert np.unique(found).size == 1 << 16
    ones = [(found >> np.uint32(bit) & np.uint32(1)).mean() for bit in range(32)]
    # four standard deviations of a fair coin thrown 65,536 times
    assert np.max(np.abs(np.array(ones) - 0.5)) < 4 * 0.5 / 256

"""Vector arithmetic of any length against numpy."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from methods.kernels.vector import axpy, dot


@numba.njit
def add(target, source, factor):
    axpy(target.ctypes.data, source.ctypes.data, factor, target.size)


@numba.njit
def inner(left, right):
    return dot(left.ctypes.data, right.ctypes.data, left.size)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 31, 32, 33, 40, 100])
def test_every_length(length: int) -> None:
    generator = np.random.default_rng(length)
    u, v = generator.standard_normal((2, length)).astype(np.float32)
    assert inner(u, v) == pytest.approx(float(u.astype(np.float64) @ v), abs=1e-4)
    expected = u + np.float32(0.5) * v
    add(u, v, np.float32(0.5))
    np.testing.assert_allclose(u, expected, rtol=1e-6, atol=1e-6)

"""Vector arithmetic of any length against numpy."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from methods.kernels.vector import axpy, dot, leaky_dot, leaky_step


@numba.njit
def add(target, source, factor):
    axpy(target.ctypes.data, source.ctypes.data, factor, target.size)


@numba.njit
def inner(left, right):
    return dot(left.ctypes.data, right.ctypes.data, left.size)


@numba.njit
def leaky_inner(weights, left, right, slope):
    return leaky_dot(weights.ctypes.data, left.ctypes.data, right.ctypes.data, slope, weights.size)


@numba.njit
def add_slopes(target, left, right, factor, slope):
    leaky_step(target.ctypes.data, left.ctypes.data, right.ctypes.data, factor, slope, target.size)


LENGTHS = [0, 1, 7, 8, 31, 32, 33, 40, 100]


@pytest.mark.parametrize("length", LENGTHS)
def test_every_length(length: int) -> None:
    generator = np.random.default_rng(length)
    u, v = generator.standard_normal((2, length)).astype(np.float32)
    assert inner(u, v) == pytest.approx(float(u.astype(np.float64) @ v), abs=1e-4)
    expected = u + np.float32(0.5) * v
    add(u, v, np.float32(0.5))
    np.testing.assert_allclose(u, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("length", LENGTHS)
def test_leaky_relu_of_every_length(length: int) -> None:
    generator = np.random.default_rng(length)
    weights, u, v = generator.standard_normal((3, length)).astype(np.float32)
    v[::5] = -u[::5]  # exactly 0, where the slope counts
    slope, factor = np.float32(0.25), np.float32(1.5)
    x = (u + v).astype(np.float64)
    expected = float(weights.astype(np.float64) @ np.where(x > 0, x, 0.25 * x))
    assert leaky_inner(weights, u, v, slope) == pytest.approx(expected, abs=1e-4)
    stepped = weights.copy()
    add_slopes(stepped, u, v, factor, slope)
    np.testing.assert_allclose(stepped, weights + factor * np.where(x > 0, np.float32(1), slope), rtol=1e-6, atol=1e-6)


def test_leaky_relu_keeps_a_nan() -> None:
    ones, broken = np.ones(40, np.float32), np.ones(40, np.float32)
    broken[37] = np.nan
    assert np.isnan(leaky_inner(ones, ones, broken, np.float32(0.2)))

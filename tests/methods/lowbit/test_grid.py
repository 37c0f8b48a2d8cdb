"""Grids: round trip, zero, idempotence, and ranges that are no ranges."""

from __future__ import annotations

import math

import pytest
import torch

from methods.errors import MethodError
from methods.lowbit.grid import Grid


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize(("lo", "hi"), [(-1.0, 1.0), (-0.3, 2.0), (0.5, 3.0), (-4.0, -1.0), (-1e-9, 1e-9)])
def test_round_trip_zero_and_idempotence(bits: int, lo: float, hi: float) -> None:
    grid = Grid.of_range(lo, hi, bits)
    ends = (grid.dequantize(torch.tensor([0, grid.levels]), torch.float64)).tolist()
    x = torch.linspace(*ends, 1001, dtype=torch.float64)
    value = grid.dequantize(grid.quantize(x), torch.float64)
    assert float((value - x).abs().max()) <= grid.step / 2 * (1 + 1e-9)
    outside = torch.tensor([ends[0] - 3 * grid.step, ends[1] + 3 * grid.step], dtype=torch.float64)
    assert grid.dequantize(grid.quantize(outside), torch.float64).tolist() == ends
    assert float(grid.dequantize(grid.quantize(torch.zeros(1)))) == 0
    assert torch.equal(grid.dequantize(grid.quantize(value), torch.float64), value)
    assert len(value.unique()) <= 2**bits


def test_step_and_zero_point_are_those_of_the_formula() -> None:
    grid = Grid.of_range(-1.0, 2.0, 2)
    assert (grid.step, grid.zero_point) == (1.0, 1)
    # the range always holds zero
    assert Grid.of_range(3.0, 6.0, 2) == Grid(2.0, 0, 2)
    assert Grid.of_range(-3.0, -1.5, 2) == Grid(1.0, 3, 2)


def test_values_halfway_take_the_even_code() -> None:
    assert Grid(1.0, 0, 4).quantize(torch.tensor([0.5, 1.5, 2.5])).tolist() == [0, 2, 2]


def test_an_empty_range_gives_the_unit_grid() -> None:
    grid = Grid.of_range(0.0, 0.0, 4)
    assert (grid.step, grid.zero_point) == (1.0, 0)
    assert grid.quantize(torch.zeros(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("kappa", [-60, -5, 0, 5, 60])
def test_bitwise_truncation_with_skew_is_a_grid(kappa: int) -> None:
    # BT* as it is defined: to 8 bits first, then the codes 0, 85, 170, 255
    step8, zero8 = 0.01, 83
    x = torch.linspace(-1.5, 2.5, 4001, dtype=torch.float64) + 1e-7
    in_8_bits = (x / step8 + zero8).round().clamp(0, 255)
    expected = ((in_8_bits + kappa) / 85).round().clamp(0, 3)
    grid = Grid(85 * step8, zero8 / 85, 2, shift=kappa / 85)
    assert torch.equal(grid.quantize(x).double(), expected)
    values = step8 * (85 * expected - zero8)
    torch.testing.assert_close(grid.dequantize(grid.quantize(x), torch.float64), values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("lo", "hi"), [(math.nan, 1.0), (0.0, math.inf), (2.0, 1.0)])
def test_a_range_without_two_ends_is_refused(lo: float, hi: float) -> None:
    with pytest.raises(MethodError, match="range"):
        Grid.of_range(lo, hi, 4)


@pytest.mark.parametrize("bits", [0, 1, 3, 16, 32])
def test_other_bits_are_refused(bits: int) -> None:
    with pytest.raises(MethodError, match="2, 4 or 8 bits"):
        Grid.of_range(0.0, 1.0, bits)


@pytest.mark.parametrize(
    "arguments", [(0.0, 0, 4), (-1.0, 0, 4), (math.nan, 0, 4), (1.0, 16, 4), (1.0, -1, 4), (1.0, 0, 4, math.inf)]
)
def test_impossible_grids_are_refused(arguments: tuple) -> None:
    with pytest.raises(MethodError):
        Grid(*arguments)


def test_nan_is_refused() -> None:
    with pytest.raises(MethodError, match="NaN"):
        Grid(1.0, 0, 4).quantize(torch.tensor([1.0, math.nan]))

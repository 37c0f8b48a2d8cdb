"""Packing: every width comes back, and takes exactly the bytes that it should (acceptance check 14)."""

from __future__ import annotations

import math

import pytest
import torch

from methods.errors import MethodError
from methods.lowbit import reference
from methods.lowbit.grid import Grid
from methods.lowbit.packed_rows import PackedRows, packed_width
from methods.lowbit.packing import dequantize, pack, quantize_rows, requantize_rows, unpack


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_every_width_comes_back_in_exactly_its_bytes(bits: int, generator: torch.Generator) -> None:
    grid = Grid(0.5, 1, bits)
    for columns in range(1, 258):
        codes = torch.randint(0, 2**bits, (3, columns), generator=generator).to(torch.uint8)
        packed = pack(codes, grid)
        assert torch.equal(unpack(packed), codes), columns
        assert torch.equal(reference.unpack(packed), codes), columns
        payload = 3 * -(-columns * bits // 8)
        assert packed.codes.numel() == payload and packed.bytes == payload + 8, columns


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_packed_bytes_are_a_16th_8th_or_4th_of_float32(bits: int, generator: torch.Generator) -> None:
    x = torch.randn(100, 64, generator=generator)
    packed = quantize_rows(x, Grid.of_range(-3, 3, bits))
    assert packed.bytes - 8 == x.numel() * 4 * bits // 32


def test_lowest_bits_come_first_and_the_last_byte_ends_with_zeros() -> None:
    packed = pack(torch.tensor([[1, 2, 3, 0, 3]], dtype=torch.uint8), Grid(1.0, 2, 2))
    assert packed.codes.tolist() == [[0b00_11_10_01, 0b10_10_10_11]]


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("columns", [1, 7, 40, 64, 65, 130])
def test_kernels_quantize_as_the_definition_does(bits: int, columns: int, generator: torch.Generator) -> None:
    x = torch.randn(70, columns, generator=generator)
    of_row = torch.rand(70, generator=generator)
    for grid in (Grid.of_range(-1, 2, bits), Grid(0.7, 0.4, bits, shift=0.2)):
        for factors in (None, of_row):
            given, expected = quantize_rows(x, grid, factors), reference.quantize_rows(x, grid, factors)
            assert torch.equal(given.codes, expected.codes)
    # grid.quantize divides where rows multiply by the inverse, so that only values on a border may differ
    different = unpack(quantize_rows(x, grid)) != grid.quantize(x)
    assert different.float().mean() < 1e-3


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("columns", [3, 64, 70])
def test_kernels_requantize_as_the_definition_does(
    relu: bool, bits: int, columns: int, generator: torch.Generator
) -> None:
    codes = torch.randint(0, 256, (70, columns), generator=generator).to(torch.uint8)
    of_row = torch.rand(70, generator=generator)
    given, to = Grid(0.1, 6, 4), Grid.of_range(-0.5, 1, bits)
    for factors in (None, of_row):
        found = requantize_rows(codes, given, to, factors, relu)
        assert torch.equal(found.codes, reference.requantize_rows(codes, given, to, factors, relu).codes)
    values = given.dequantize(codes.clamp(max=15))
    values = values.relu() if relu else values
    assert (unpack(requantize_rows(codes, given, to, None, relu)) != to.quantize(values)).float().mean() < 1e-2


def test_codes_cannot_be_turned_by_a_negative_factor() -> None:
    grid = Grid.of_range(-1, 1, 4)
    with pytest.raises(MethodError, match="negative"):
        requantize_rows(torch.zeros(2, 3, dtype=torch.uint8), grid, grid, torch.tensor([1.0, -1.0]))


def test_values_come_back_within_half_a_step(generator: torch.Generator) -> None:
    x = torch.rand(20, 33, generator=generator)
    grid = Grid.of_range(0, 1, 4)
    assert float((dequantize(quantize_rows(x, grid)) - x).abs().max()) <= grid.step / 2 + 1e-6


def test_all_equal_and_infinite_values() -> None:
    same = torch.full((4, 10), 0.25)
    packed = quantize_rows(same, Grid.of_range(0.25, 0.25, 2))
    assert torch.equal(dequantize(packed), same)
    far = torch.tensor([[math.inf, -math.inf, 0.0]])
    assert unpack(quantize_rows(far, Grid.of_range(-1, 1, 4))).tolist() == [[15, 0, 8]]


@pytest.mark.parametrize("position", [0, 63, 64, 69])
def test_nan_is_found_wherever_it_is(position: int) -> None:
    x = torch.zeros(5, 70)
    x[3, position] = math.nan
    with pytest.raises(MethodError, match="NaN"):
        quantize_rows(x, Grid(1.0, 0, 4))


def test_what_cannot_be_packed_is_refused() -> None:
    with pytest.raises(MethodError, match="float32 matrices"):
        quantize_rows(torch.zeros(3), Grid(1.0, 0, 4))
    with pytest.raises(MethodError, match="float32 matrices"):
        quantize_rows(torch.zeros(3, 3, dtype=torch.float64), Grid(1.0, 0, 4))
    with pytest.raises(MethodError, match="up to 3"):
        pack(torch.tensor([[4]], dtype=torch.uint8), Grid(1.0, 0, 2))
    with pytest.raises(MethodError, match="factors"):
        quantize_rows(torch.zeros(3, 3), Grid(1.0, 0, 4), torch.ones(2))
    with pytest.raises(MethodError, match=r"shape \[rows, 2\]"):
        PackedRows(torch.zeros(3, 3, dtype=torch.uint8), 4, Grid(1.0, 0, 4))


def test_width_in_bytes() -> None:
    assert [packed_width(columns, 2) for columns in (0, 1, 4, 5)] == [0, 1, 1, 2]

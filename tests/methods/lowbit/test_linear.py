"""Linear layers on codes against sums of whole numbers and against fake quantization."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch.nn.functional import linear

from methods.errors import MethodError
from methods.lowbit import integer_product
from methods.lowbit.grid import Grid
from methods.lowbit.integer_product import IntegerProduct
from methods.lowbit.linear import PackedLinear
from methods.lowbit.packing import dequantize, quantize_rows, unpack

ROWS, IN, OUT = 60, 37, 21
INT16 = 2**15 - 1


@pytest.fixture(params=["integers", "integers in pairs of 16 bits", "floats"])
def product_path(request, monkeypatch) -> str:
    """All ways to multiply codes; the second one is that of a CPU without VNNI."""
    if request.param == "floats":
        monkeypatch.setattr(integer_product, "largest_pair", lambda: -1)
    elif integer_product.largest_pair() < 0:
        pytest.skip("this torch has no onednn.qlinear_pointwise for the CPU")
    elif request.param != "integers":
        monkeypatch.setattr(integer_product, "largest_pair", lambda: INT16)
    elif integer_product.largest_pair() == INT16:
        pytest.skip("this CPU has no VNNI instructions")
    return request.param


@pytest.mark.parametrize("largest", [3, 15, 127, 255])
@pytest.mark.parametrize("inputs", [1, 37, 256])
def test_accumulators_are_exact(product_path, generator, largest, inputs) -> None:
    codes = torch.randint(0, largest + 1, (ROWS, inputs), generator=generator).to(torch.uint8)
    codes[0] = largest
    weights = torch.randint(-128, 128, (OUT, inputs), generator=generator).to(torch.int8)
    weights[0], weights[1] = 127, -128
    product = IntegerProduct(weights, 1.0, torch.zeros(OUT), largest)
    in_integers = product_path == "integers" or (product_path != "floats" and largest <= 127)
    assert product.in_integers == in_integers
    expected = codes.long() @ weights.T.long()
    assert torch.equal(product.values(codes).long(), expected)


@pytest.mark.parametrize(("weight", "in_integers"), [(64, True), (-64, True), (65, False), (-65, False)])
def test_two_products_fit_into_16_bits_or_are_not_added_there(monkeypatch, weight: int, in_integers: bool) -> None:
    monkeypatch.setattr(integer_product, "largest_pair", lambda: INT16)
    product = IntegerProduct(torch.full((2, 8), weight, dtype=torch.int8), 1.0, torch.zeros(2), 255)
    assert product.in_integers == in_integers
    assert product.values(torch.full((1, 8), 255, dtype=torch.uint8)).tolist() == [[255 * 8.0 * weight] * 2]


def test_what_a_cpu_adds_up_exactly_is_found_out() -> None:
    limit = integer_product.largest_pair()
    assert limit in (-1, INT16, 2 * 255 * 128)
    flags = Path("/proc/cpuinfo")
    if limit >= 0 and flags.exists() and "avx512f" in (words := flags.read_text().split()):
        assert (limit > INT16) == ("avx512_vnni" in words)


def test_wide_layers_are_summed_without_loss_in_floats(monkeypatch) -> None:
    monkeypatch.setattr(integer_product, "largest_pair", lambda: -1)
    product = IntegerProduct(torch.full((1, 2000), 127, dtype=torch.int8), 1.0, torch.zeros(1), 255)
    assert not product.in_integers
    codes = torch.full((1, 2000), 255, dtype=torch.uint8)
    codes[0, 0] = 254
    assert float(product.values(codes)) == pytest.approx(127 * (255 * 2000 - 1), rel=1e-7)


WEIGHT_GRIDS = {
    "zero in the middle": lambda bits: Grid(6 / (2**bits - 1), 2 ** (bits - 1), bits),
    "zero at the end": lambda bits: Grid(4 / (2**bits - 1), 0, bits),
    "zero between two codes": lambda bits: Grid(6 / (2**bits - 1), 2 ** (bits - 1) - 0.3, bits),
}


@pytest.mark.parametrize("weight_grid", WEIGHT_GRIDS)
@pytest.mark.parametrize("weight_bits", [2, 4, 8])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_layers_equal_fake_quantization(product_path, generator, bits, weight_bits, weight_grid) -> None:
    x, weight = torch.randn(ROWS, IN, generator=generator), torch.randn(OUT, IN, generator=generator)
    bias, grid = torch.randn(OUT, generator=generator), WEIGHT_GRIDS[weight_grid](weight_bits)
    packed = quantize_rows(x, Grid.of_range(-1, 2, bits))
    layer = PackedLinear(weight, bias, grid, packed.grid)
    fake = linear(dequantize(packed).double(), grid.dequantize(grid.quantize(weight), torch.float64), bias.double())
    assert float((layer(packed) - fake).abs().max()) <= 1e-5 * float(fake.abs().max())
    assert torch.equal(layer(packed, relu=True), layer(packed).relu())

    of_row, to = torch.rand(ROWS, generator=generator), Grid.of_range(-3, 4, bits)
    for output in (None, Grid.of_range(-20, 15, 8), Grid.of_range(-20, 15, 4)):
        for relu in (False, True):
            values = fake if output is None else output.dequantize(output.quantize(fake), torch.float64)
            values = values.relu() if relu else values
            for factors in (None, of_row):
                wanted = to.quantize(values if factors is None else values * factors.double().unsqueeze(1))
                found = layer.packed(packed, to, relu, factors, output)
                assert found.grid == to and found.columns == OUT
                # values on the border between two codes may go either way
                difference = (unpack(found).int() - wanted.int()).abs()
                assert (difference > 0).float().mean() < 0.01, (output, relu, factors is None)


def test_relu_ends_at_zero_on_grids_with_a_shift(generator) -> None:
    x, weight = torch.randn(ROWS, IN, generator=generator), torch.randn(OUT, IN, generator=generator)
    packed = quantize_rows(x, Grid.of_range(-2, 2, 8))
    layer = PackedLinear(weight, None, Grid.of_range(-3, 3, 8), packed.grid)
    to = Grid(5.0, 0.6, 2, shift=0.2)
    assert torch.equal(unpack(layer.packed(packed, to, relu=True)), to.quantize(layer(packed, relu=True)))


def test_blocks_of_rows_join_in_order(monkeypatch, generator) -> None:
    x, of_row = torch.randn(50, IN, generator=generator), torch.rand(50, generator=generator)
    packed = quantize_rows(x, Grid.of_range(-2, 2, 4))
    layer = PackedLinear(torch.randn(OUT, IN, generator=generator), None, Grid.of_range(-2, 2, 4), packed.grid)
    whole = layer(packed), layer.packed(packed, Grid.of_range(-9, 9, 4), of_row=of_row).codes
    monkeypatch.setattr("methods.lowbit.linear._ROWS_AT_ONCE", 16)
    torch.testing.assert_close(layer(packed), whole[0])
    assert torch.equal(layer.packed(packed, Grid.of_range(-9, 9, 4), of_row=of_row).codes, whole[1])


def test_stored_bytes_are_counted(generator) -> None:
    layer = PackedLinear(torch.randn(8, 16, generator=generator), None, Grid.of_range(-1, 1, 2), Grid(1.0, 0, 2))
    # 32 bytes of codes with 8 for their grid, and 4 an output
    assert layer.weight.bytes == 8 * 16 // 4 + 8
    assert layer.bytes == 40 + 32


def test_bad_input_is_refused(generator) -> None:
    grid = Grid.of_range(-1, 1, 4)
    weight = torch.randn(OUT, IN, generator=generator)
    layer = PackedLinear(weight, None, grid, grid)
    with pytest.raises(MethodError, match="made for 37 columns"):
        layer(quantize_rows(torch.zeros(2, 5), grid))
    with pytest.raises(MethodError, match="made for 37 columns"):
        layer(quantize_rows(torch.zeros(2, IN), Grid.of_range(-2, 2, 4)))
    with pytest.raises(MethodError, match="NaN"):
        PackedLinear(torch.full((2, 2), math.nan), None, grid, grid)
    with pytest.raises(MethodError, match="NaN"):
        PackedLinear(weight, torch.full((OUT,), math.nan), grid, grid)
    with pytest.raises(MethodError, match="do not go with"):
        PackedLinear(weight, torch.zeros(3), grid, grid)

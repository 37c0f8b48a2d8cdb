"""The packed GCN against the same network with fake quantization, and against the float network."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import linear

from methods.aggregate import aggregate
from methods.errors import MethodError
from methods.lowbit.calibration import gcn_grids
from methods.lowbit.grid import Grid
from methods.lowbit.packed_gcn import ConvolutionGrids, PackedGCN

WIDTHS = {"wide to narrow": (40, 32, 32, 7), "narrow to wide": (12, 40, 72, 6), "one layer": (20, 5)}


def network(widths: tuple[int, ...], generator: torch.Generator) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    weights = [torch.randn(shape, generator=generator) / shape[1] ** 0.5 for shape in shapes]
    return weights, [0.1 * torch.randn(out, generator=generator) for out, _ in shapes]


def fake(grid: Grid | None, x: torch.Tensor) -> torch.Tensor:
    return x if grid is None else grid.dequantize(grid.quantize(x), x.dtype)


def simulated(weights, biases, grids, x, operator) -> torch.Tensor:
    """The same sites in float64, as a quantization-aware training would have them."""
    pattern, root = operator.pattern, operator.root.double().unsqueeze(1)
    dense = torch.zeros(pattern.rows, pattern.rows, dtype=torch.float64)
    dense[pattern.row_of_entry(), pattern.indices.long()] = 1
    x = x.double()
    for layer, (weight, bias, sites) in enumerate(zip(weights, biases, grids, strict=True)):
        weight = fake(sites.weight, weight.double())

        def propagated(h, sites=sites):
            return fake(sites.result, root * (dense @ fake(sites.operand, root * h)))

        if weight.shape[1] < weight.shape[0]:
            x = fake(sites.output, linear(fake(sites.input, propagated(x)), weight, bias.double()))
        else:
            x = propagated(fake(sites.output, linear(fake(sites.input, x), weight))) + bias.double()
        x = x.relu() if layer < len(weights) - 1 else x
    return x


@pytest.mark.parametrize("sites", ["all", "output only", "none"])
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_packed_network_is_the_simulated_one(graph, operator, generator, bits, widths, sites) -> None:
    weights, biases = network(WIDTHS[widths], generator)
    x = torch.randn(150, WIDTHS[widths][0], generator=generator)
    grids = gcn_grids(weights, biases, x, graph, bits)
    if sites == "none":
        grids = [replace(layer, output=None) for layer in grids]
    if sites == "all":
        grids = [replace(layer, result=Grid.of_range(-3, 3, 8)) for layer in grids]
    found = PackedGCN(weights, biases, grids)(x, graph)
    expected = simulated(weights, biases, grids, x, operator)
    assert found.shape == expected.shape and found.dtype == torch.float32
    # a value on a border goes the other way now and then, which moves what comes after it by a step
    close = (found - expected).abs() <= 1e-4 * float(expected.abs().max())
    assert close.float().mean() > 0.8
    assert float((found - expected).norm() / expected.norm()) < 0.05


def test_eight_bits_are_close_to_float(graph, generator) -> None:
    weights, biases = network((40, 32, 32, 7), generator)
    x = torch.randn(150, 40, generator=generator)
    packed = PackedGCN(weights, biases, gcn_grids(weights, biases, x, graph, 8))(x, graph)
    h, operator = x, graph.normalized("symmetric", self_loops=True)
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        h = aggregate(operator, linear(h, weight)) + bias
        h = h.relu() if layer < 2 else h
    assert float((packed - h).norm() / h.norm()) < 0.05


def test_weights_take_their_bits(generator) -> None:
    weights, biases = network((64, 64, 64), generator)
    grid = Grid.of_range(-1, 1, 2)
    packed = PackedGCN(weights, biases, [ConvolutionGrids(grid, grid, grid)] * 2)
    codes = sum(convolution.linear.weight.bytes - 8 for convolution in packed.convolutions)
    assert codes == 2 * 64 * 64 * 4 // 16
    # with a grid of 8 bytes a layer, and two floats an output: the bias, and what zero points add
    assert packed.bytes == codes + 2 * (8 + 2 * 64 * 4)


def test_bad_input_is_refused(graph, generator) -> None:
    weights, biases = network((8, 8), generator)
    grid = Grid.of_range(-1, 1, 4)
    packed = PackedGCN(weights, biases, [ConvolutionGrids(grid, grid, grid)])
    with pytest.raises(MethodError, match="NaN"):
        packed(torch.full((150, 8), math.nan), graph)
    with pytest.raises(MethodError, match="columns"):
        packed(torch.zeros(150, 9), graph)
    with pytest.raises(MethodError, match="as many weights"):
        PackedGCN(weights, [], [])
    with pytest.raises(MethodError, match="unweighted"):
        packed(torch.zeros(150, 8), graph.normalized("mean"))

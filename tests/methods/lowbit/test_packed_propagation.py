"""Packed propagation against the same model with fake quantization, and against APPNP in float."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import linear

from methods.aggregate import aggregate
from methods.errors import MethodError
from methods.lowbit.calibration import propagation_grids
from methods.lowbit.grid import Grid
from methods.lowbit.packed_propagation import LinearGrids, PackedPropagation, StepGrids

STEPS, ALPHA = 5, 0.1


@pytest.fixture
def perceptron(generator):
    weights = [torch.randn(24, 30, generator=generator) / 5, torch.randn(10, 24, generator=generator) / 5]
    return weights, [0.1 * torch.randn(24, generator=generator), 0.1 * torch.randn(10, generator=generator)]


def fake(grid: Grid | None, x: torch.Tensor) -> torch.Tensor:
    return x if grid is None else grid.dequantize(grid.quantize(x), x.dtype)


def simulated(weights, biases, linears, steps, x, operator) -> torch.Tensor:
    pattern, root = operator.pattern, operator.root.double().unsqueeze(1)
    dense = torch.zeros(pattern.rows, pattern.rows, dtype=torch.float64)
    dense[pattern.row_of_entry(), pattern.indices.long()] = 1
    x = x.double()
    for layer, (weight, bias, grids) in enumerate(zip(weights, biases, linears, strict=True)):
        x = fake(grids.output, linear(fake(grids.input, x), fake(grids.weight, weight.double()), bias.double()))
        x = x.relu() if layer < len(weights) - 1 else x
    start = state = x
    for grids in steps:
        state = (1 - ALPHA) * fake(grids.result, root * (dense @ fake(grids.operand, root * state))) + ALPHA * start
    return state


@pytest.mark.parametrize("anchor", ["packed", "float"])
@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_packed_model_is_the_simulated_one(graph, operator, perceptron, generator, bits, rounded, anchor) -> None:
    weights, biases = perceptron
    x = torch.randn(150, 30, generator=generator)
    linears, steps = propagation_grids(weights, biases, x, graph, STEPS, ALPHA, bits)
    if anchor == "float":
        linears[-1] = replace(linears[-1], output=None)
    if rounded:
        steps = [replace(step, result=Grid.of_range(-3, 3, 8)) for step in steps]
    found = PackedPropagation(weights, biases, linears, steps, ALPHA)(x, graph)
    expected = simulated(weights, biases, linears, steps, x, operator)
    assert found.shape == (150, 10)
    assert float((found - expected).norm() / expected.norm()) < 0.05
    close = (found - expected).abs() <= 1e-4 * float(expected.abs().max())
    assert close.float().mean() > 0.8


def test_eight_bits_are_close_to_float(graph, perceptron, generator) -> None:
    weights, biases = perceptron
    x = torch.randn(150, 30, generator=generator)
    packed = PackedPropagation(weights, biases, *propagation_grids(weights, biases, x, graph, STEPS, ALPHA, 8), ALPHA)
    start = state = linear(linear(x, weights[0], biases[0]).relu(), weights[1], biases[1])
    operator = graph.normalized("symmetric", self_loops=True)
    for _ in range(STEPS):
        state = (1 - ALPHA) * aggregate(operator, state) + ALPHA * start
    assert float((packed(x, graph) - state).norm() / state.norm()) < 0.05
    assert packed.bytes > 0


def test_bad_input_is_refused(perceptron) -> None:
    weights, biases = perceptron
    grid = Grid.of_range(-1, 1, 4)
    with pytest.raises(MethodError, match="at least one step"):
        PackedPropagation(weights, biases, [LinearGrids(grid, grid)] * 2, [], ALPHA)
    with pytest.raises(MethodError, match="as many weights"):
        PackedPropagation(weights, biases, [LinearGrids(grid, grid)], [StepGrids(grid)], ALPHA)

"""Grids for a trained float model: over the ranges that its tensors take on one graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import linear

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.lowbit.grid import Grid
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packed_gcn import ConvolutionGrids
from methods.lowbit.packed_propagation import LinearGrids, StepGrids

_OUTPUT_BITS = 8  # of linear maps: the integer operator can write one byte


def grid_of(x: Tensor, bits: int) -> Grid:
    """The grid between the smallest and the largest value of a tensor.

    Raises:
        MethodError: bits that no kernel has, or the tensor contains NaN or infinity.
    """
    low, high = x.aminmax()
    return Grid.of_range(float(low), float(high), bits)


@torch.inference_mode()
def gcn_grids(
    weights: Sequence[Tensor], biases: Sequence[Tensor], x: Tensor, adjacency: Adjacency, bits: int
) -> list[ConvolutionGrids]:
    """Grids over the ranges that a float GCN takes on a graph (min-max, after training).

    Outputs of linear maps are rounded to 8 bits, which lets the integer operator write them in one byte; aggregates
    are not rounded by themselves.

    Args:
        bits: of inputs, weights and operands.

    Raises:
        MethodError: bits that no kernel has, or NaN.
    """
    operator = adjacency.normalized("symmetric", self_loops=True)
    root = SymmetricOperator.of(adjacency).root.unsqueeze(1)
    grids = []
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        if weight.shape[1] < weight.shape[0]:
            operand, entered = root * x, aggregate(operator, x)
            output = x = linear(entered, weight, bias)
        else:
            entered, output = x, linear(x, weight)
            operand, x = root * output, aggregate(operator, output) + bias
        grids.append(
            ConvolutionGrids(
                input=grid_of(entered, bits),
                weight=grid_of(weight, bits),
                operand=grid_of(operand, bits),
                output=grid_of(output, _OUTPUT_BITS),
            )
        )
        if layer < len(weights) - 1:
            x = x.relu()
    return grids


@torch.inference_mode()
def propagation_grids(
    weights: Sequence[Tensor],
    biases: Sequence[Tensor],
    x: Tensor,
    adjacency: Adjacency,
    steps: int,
    alpha: float,
    bits: int,
) -> tuple[list[LinearGrids], list[StepGrids]]:
    """Grids over the ranges that a float APPNP takes on a graph (min-max, after training).

    Outputs of linear layers, H_0 among them, are rounded to 8 bits; aggregates are not rounded by themselves.

    Args:
        bits: of inputs, weights and operands.

    Raises:
        MethodError: bits that no kernel has, or NaN.
    """
    propagation = adjacency.normalized("symmetric", self_loops=True)
    root = SymmetricOperator.of(adjacency).root.unsqueeze(1)
    linears = []
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        output = linear(x, weight, bias)
        linears.append(LinearGrids(grid_of(x, bits), grid_of(weight, bits), grid_of(output, _OUTPUT_BITS)))
        x = output.relu() if layer < len(weights) - 1 else output
    start, state, operands = x, x, []
    for _ in range(steps):
        operands.append(StepGrids(grid_of(root * state, bits)))
        state = (1 - alpha) * aggregate(propagation, state) + alpha * start
    return linears, operands

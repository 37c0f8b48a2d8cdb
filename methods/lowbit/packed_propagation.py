"""Predict, then propagate (APPNP), executed on codes: every step reads packed rows and writes packed rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.lowbit.aggregate import aggregate_packed
from methods.lowbit.finish import Finish
from methods.lowbit.grid import Grid
from methods.lowbit.linear import PackedLinear
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packed_rows import PackedRows
from methods.lowbit.packing import quantize_rows, requantize_rows, unpack


@dataclass(frozen=True)
class LinearGrids:
    """The grids of a linear layer; `output` is None where its output is not rounded by itself."""

    input: Grid
    weight: Grid
    output: Grid | None = None


@dataclass(frozen=True)
class StepGrids:
    """The grids of a step: of its operand D^-1/2 H, and of its aggregate (None: it is not rounded by itself)."""

    operand: Grid
    result: Grid | None = None


class PackedPropagation(nn.Module):
    """H_0 from a perceptron, then H <- (1 - alpha) A_hat H + alpha H_0 in 2, 4 or 8 bits.

    The combination with H_0, the scaling by D^-1/2 and the rounding of the next operand are part of the aggregation.
    H_0 stays packed where the last linear layer has an output grid and is float32 otherwise.

    Args:
        weights, biases: [out, in] and [out] float32 of each linear layer, ReLU between them.
        linear_grids: of each linear layer.
        step_grids: of each propagation step.
        alpha: share of H_0 in every step, in [0, 1].

    Raises:
        MethodError: the numbers of weights, biases and grids differ, or there is no step.
    """

    def __init__(
        self,
        weights: Sequence[Tensor],
        biases: Sequence[Tensor],
        linear_grids: Sequence[LinearGrids],
        step_grids: Sequence[StepGrids],
        alpha: float,
    ) -> None:
        super().__init__()
        if not len(weights) == len(biases) == len(linear_grids) > 0:
            raise MethodError(
                f"a packed perceptron needs as many weights as biases and grids but got {len(weights)}, {len(biases)} "
                f"and {len(linear_grids)}"
            )
        if not step_grids:
            raise MethodError("a packed propagation needs the grids of at least one step")
        layers = zip(weights, biases, linear_grids, strict=True)
        self.products = [PackedLinear(weight, bias, grids.weight, grids.input) for weight, bias, grids in layers]
        self.linear_grids, self.step_grids, self.alpha = list(linear_grids), list(step_grids), alpha

    @property
    def bytes(self) -> int:
        """Bytes of all weights and biases."""
        return sum(linear.bytes for linear in self.products)

    @torch.inference_mode()
    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """H_K [nodes, classes] float32.

        Args:
            x: [nodes, features] float32, packed here.
            adjacency: unweighted, without self-loops or with them.

        Raises:
            MethodError: x contains NaN or does not fit, or the adjacency cannot be summed in integers.
        """
        operator = SymmetricOperator.of(adjacency)
        packed = quantize_rows(x, self.linear_grids[0].input)
        for linear, grids, following in zip(self.products[:-1], self.linear_grids, self.linear_grids[1:], strict=False):
            packed = linear.packed(packed, following.input, relu=True, output=grids.output)
        return self._propagated(operator, *self._start(operator, packed))

    def _start(self, operator: SymmetricOperator, hidden: PackedRows) -> tuple[PackedRows | Tensor, PackedRows]:
        """H_0, and the first step's operand."""
        last, output, operand = self.products[-1], self.linear_grids[-1].output, self.step_grids[0].operand
        if output is None:
            start = last(hidden)
            return start, quantize_rows(start, operand, operator.root)
        packed = last.packed(hidden, output)
        return packed, requantize_rows(unpack(packed), output, operand, operator.root)

    def _propagated(self, operator: SymmetricOperator, start: PackedRows | Tensor, operand: PackedRows) -> Tensor:
        state: PackedRows | Tensor = operand
        for grids, following in zip(self.step_grids, [*self.step_grids[1:], None], strict=True):
            assert isinstance(state, PackedRows)
            finish = Finish(
                result=grids.result,
                share=1 - self.alpha,
                anchor=start,
                anchor_share=self.alpha,
                to=following.operand if following else None,
                for_next=following is not None,
            )
            state = aggregate_packed(operator, state, finish)
        assert isinstance(state, Tensor)
        return state

"""GCN executed on codes: from the first layer's input to the last layer's sums there is no float matrix."""

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
from methods.lowbit.packing import quantize_rows


@dataclass(frozen=True)
class ConvolutionGrids:
    """The grids of one GCN layer.

    Attributes:
        input: of the linear map's input.
        weight: of the matrix.
        operand: of the aggregation's operand D^-1/2 H.
        output: of the linear map's output, or None where it is not rounded by itself.
        result: of the aggregate before bias and ReLU, or None where it is not rounded by itself.
    """

    input: Grid
    weight: Grid
    operand: Grid
    output: Grid | None = None
    result: Grid | None = None


@dataclass(frozen=True)
class _Form:
    """How a layer wants its input: the grid, and whether rows are multiplied by d^-1/2."""

    grid: Grid
    as_operand: bool


class _PackedConvolution:
    """One layer; as in `methods.backbones.gcn`, the narrower side is aggregated."""

    def __init__(self, weight: Tensor, bias: Tensor, grids: ConvolutionGrids) -> None:
        out_features, in_features = weight.shape
        self.aggregates_first = in_features < out_features
        self.grids, self.bias = grids, bias.detach().float()
        self.linear = PackedLinear(weight, bias if self.aggregates_first else None, grids.weight, grids.input)

    @property
    def form(self) -> _Form:
        grid = self.grids.operand if self.aggregates_first else self.grids.input
        return _Form(grid, self.aggregates_first)

    def __call__(self, operator: SymmetricOperator, x: PackedRows, following: _Form | None) -> PackedRows | Tensor:
        """Packed for the following layer behind a ReLU, or float32 logits where none follows."""
        grids, to = self.grids, following.grid if following else None
        scaled = following is not None and following.as_operand
        if self.aggregates_first:
            aggregated = aggregate_packed(operator, x, Finish(result=grids.result, to=grids.input))
            assert isinstance(aggregated, PackedRows)
            if to is None:
                return self.linear(aggregated, output=grids.output)
            of_row = operator.root if scaled else None
            return self.linear.packed(aggregated, to, relu=True, of_row=of_row, output=grids.output)
        operand = self.linear.packed(x, grids.operand, of_row=operator.root, output=grids.output)
        finish = Finish(result=grids.result, bias=self.bias, relu=to is not None, to=to, for_next=scaled)
        return aggregate_packed(operator, operand, finish)


class PackedGCN(nn.Module):
    """Inference of a GCN with ReLU between its layers, in 2, 4 or 8 bits.

    Linear layers compute with 8-bit integers and aggregations with the codes themselves; both sum in int32.

    Args:
        weights: [out, in] float32 of each layer.
        biases: [out] float32 of each layer.
        grids: of each layer.

    Raises:
        MethodError: the numbers of weights, biases and grids differ, or their shapes do.
    """

    def __init__(self, weights: Sequence[Tensor], biases: Sequence[Tensor], grids: Sequence[ConvolutionGrids]) -> None:
        super().__init__()
        if not len(weights) == len(biases) == len(grids) > 0:
            raise MethodError(
                f"a packed GCN needs as many weights as biases and grids but got {len(weights)}, {len(biases)} and "
                f"{len(grids)}"
            )
        layers = zip(weights, biases, grids, strict=True)
        self.convolutions = [_PackedConvolution(*layer) for layer in layers]

    @property
    def products(self) -> list[PackedLinear]:
        """The linear map of each layer."""
        return [convolution.linear for convolution in self.convolutions]

    @property
    def bytes(self) -> int:
        """Bytes of all weights and biases."""
        beside = [layer.bias.numel() * 4 for layer in self.convolutions if not layer.aggregates_first]
        return sum(product.bytes for product in self.products) + sum(beside)

    @torch.inference_mode()
    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Logits [nodes, classes] float32.

        Args:
            x: [nodes, features] float32, packed here.
            adjacency: unweighted, without self-loops or with them.

        Raises:
            MethodError: x contains NaN or does not fit, or the adjacency cannot be summed in integers.
        """
        operator = SymmetricOperator.of(adjacency)
        forms = [convolution.form for convolution in self.convolutions]
        packed: PackedRows | Tensor = quantize_rows(x, forms[0].grid, operator.root if forms[0].as_operand else None)
        for convolution, following in zip(self.convolutions, [*forms[1:], None], strict=True):
            assert isinstance(packed, PackedRows)
            packed = convolution(operator, packed, following)
        assert isinstance(packed, Tensor)
        return packed

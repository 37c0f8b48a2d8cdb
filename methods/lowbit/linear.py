"""Linear layers on codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from methods.errors import MethodError
from methods.lowbit.grid import Grid
from methods.lowbit.integer_product import IntegerProduct
from methods.lowbit.packed_rows import PackedRows
from methods.lowbit.packing import quantize_rows, requantize_rows, unpack
from methods.lowbit.reference import pack

_ROWS_AT_ONCE = 8192  # whose unpacked codes and results stay in the caches


class PackedLinear:
    """x W^T + b for packed x and W, with integer sums.

    sum (q_x - z_x)(q_w - z_w) is split into sum q_x w, a part that depends on the output alone, which joins the bias,
    and, only where the weights' zero point does not allow signed 8-bit weights w = q_w - z_w, a multiple of sum q_x.
    Weights and inputs are stored in their bits and computed with in 8, or in floats where a CPU has no exact operator.
    What is multiplied with is made from the codes in each call, which costs less than rounding a few hundred rows and
    keeps the memory of a network what its bits promise.

    Attributes:
        weight: the packed codes of W, [out, in].
        input: grid of the inputs.
        in_integers: whether the codes are multiplied as 8-bit integers, or as floats that hold them exactly.

    Args:
        weight: [out, in] float32, rounded to its grid here.
        bias: [out] float32, stays float.

    Raises:
        MethodError: the shapes do not fit, or the weights or the bias hold NaN.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, weight_grid: Grid, input: Grid) -> None:
        weight = weight.detach().float()
        bias = weight.new_zeros(weight.shape[0]) if bias is None else bias.detach().float()
        if weight.dim() != 2 or bias.shape != weight.shape[:1]:
            raise MethodError(f"weights of shape {list(weight.shape)} do not go with a bias of {list(bias.shape)}")
        if bool(bias.isnan().any()):
            raise MethodError("the bias contains NaN; the model that made it diverged")
        self.input = input
        self.weight = pack(weight_grid.quantize(weight), weight_grid)
        self._center = _center(weight_grid)
        self._rest = self._center - weight_grid.zero_point
        self._scale = input.step * weight_grid.step
        sums = self._signed().sum(1, dtype=torch.int64).double() + self._rest * weight.shape[1]
        self._shift = (bias.double() - self._scale * input.zero_point * sums).float()
        self.in_integers = self._product().in_integers

    @property
    def bytes(self) -> int:
        """Bytes of the weights: packed codes, and a float of each output."""
        return self.weight.bytes + self._shift.numel() * 4

    def _signed(self) -> Tensor:
        """Codes of the weights minus their center, [out, in] int8."""
        return (unpack(self.weight).to(torch.int16) - self._center).to(torch.int8)

    def _product(self) -> IntegerProduct:
        signed, shift = self._signed(), self._shift
        if self._rest:
            # one more output sums the inputs' codes
            signed = torch.cat([signed, signed.new_ones(1, signed.shape[1])])
            shift = torch.cat([shift, shift.new_zeros(1)])
        return IntegerProduct(signed, self._scale, shift, self.input.levels)

    def __call__(self, x: PackedRows, relu: bool = False, output: Grid | None = None) -> Tensor:
        """[rows, out] float32.

        Args:
            output: grid that the results are rounded to, before ReLU.

        Raises:
            MethodError: x has another width or grid than this layer was made for.
        """
        self._check(x)
        product = self._product()
        return torch.cat([self._floats(product, block, relu, output) for block in _blocks(x)])

    def packed(
        self,
        x: PackedRows,
        to: Grid,
        relu: bool = False,
        of_row: Tensor | None = None,
        output: Grid | None = None,
    ) -> PackedRows:
        """[rows, out] packed on a grid, without a float matrix in between where `output` is given.

        Args:
            of_row: [rows] float32; row i is multiplied by of_row[i] before it is rounded to `to`.
            output: grid that the results are rounded to first, before ReLU.

        Raises:
            MethodError: as the call.
        """
        self._check(x)
        product, factors = self._product(), None
        blocks, start = [], 0
        for block in _blocks(x):
            if of_row is not None:
                factors = of_row[start : start + block.rows]
            blocks.append(self._packed(product, block, to, relu, factors, output).codes)
            start += block.rows
        return PackedRows(torch.cat(blocks), self.weight.rows, to)

    def _packed(
        self, product: IntegerProduct, x: PackedRows, to: Grid, relu: bool, of_row: Tensor | None, output: Grid | None
    ) -> PackedRows:
        given = output or (to if of_row is None else None)
        if given is None or self._rest or not _in_unsigned(given, relu and output is None):
            return quantize_rows(self._floats(product, x, relu, output), to, of_row)
        codes = product.codes(unpack(x), given.step, given.offset)
        # codes have their shift already
        return requantize_rows(codes, given, to if output else replace(to, shift=0.0), of_row, relu)

    def _floats(self, product: IntegerProduct, x: PackedRows, relu: bool, output: Grid | None) -> Tensor:
        values = product.values(unpack(x))
        if self._rest:
            values = values[:, :-1] + self._rest * values[:, -1:]
        if output is not None:
            values = output.dequantize(output.quantize(values))
        return values.relu_() if relu else values

    def _check(self, x: PackedRows) -> None:
        if x.columns != self.weight.columns or x.grid != self.input:
            raise MethodError(
                f"this layer was made for {self.weight.columns} columns on {self.input} but got {x.columns} on {x.grid}"
            )


def what_computes(products: Sequence[PackedLinear]) -> str:
    """What multiplies and adds up the codes of a network, for reports."""
    count = sum(product.in_integers for product in products)
    if count == len(products):
        return "products in INT8, sums on codes, both added up in INT32"
    return f"{count} of {len(products)} products in INT8, the others exact in floats, sums on codes added up in INT32"


def _center(grid: Grid) -> int:
    """What is subtracted from the codes of weights so that they fit into signed 8 bits: their zero point, if it can."""
    zero = round(grid.zero_point)
    if zero == grid.zero_point and grid.levels - 127 <= zero <= 128:
        return zero
    return 128 if grid.bits == 8 else 0


def _in_unsigned(grid: Grid, relu: bool) -> bool:
    """Whether clamping to 0 to 255 first and to the grid's own range later gives its codes."""
    plain = grid.code_range == (0, grid.levels)
    return plain and not (relu and (grid.shift != 0 or grid.zero_point != round(grid.zero_point)))


def _blocks(x: PackedRows) -> Iterator[PackedRows]:
    for start in range(0, max(x.rows, 1), _ROWS_AT_ONCE):
        yield PackedRows(x.codes[start : start + _ROWS_AT_ONCE], x.columns, x.grid)

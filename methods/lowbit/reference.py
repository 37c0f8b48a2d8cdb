"""Packed rows in plain torch: what every kernel has to give, on any device and in float32 or float64.

The float32 arithmetic is spelled in the order in which the CPU kernels do it, so that both give the same bits.
"""

from __future__ import annotations

import torch
from torch import Tensor

from methods.errors import MethodError
from methods.lowbit.finish import Finish
from methods.lowbit.grid import Grid
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packed_rows import PackedRows, packed_width

_GATHERED = 1 << 26  # gathered codes that are alive at a time


def pack(codes: Tensor, grid: Grid) -> PackedRows:
    """Pack codes [rows, columns] uint8."""
    rows, columns = codes.shape
    per_byte = 8 // grid.bits
    width = packed_width(columns, grid.bits)
    filler = int(grid.quantize(torch.zeros((), device=codes.device)))
    filled = codes.new_full((rows, width * per_byte), filler)
    filled[:, :columns] = codes
    places = filled.view(rows, width, per_byte).to(torch.int32)
    shifts = torch.arange(0, 8, grid.bits, dtype=torch.int32, device=codes.device)
    packed = (places << shifts).sum(-1).to(torch.uint8)
    return PackedRows(packed, columns, grid)


def unpack(packed: PackedRows) -> Tensor:
    """The codes, [rows, columns] uint8."""
    shifts = torch.arange(0, 8, packed.bits, dtype=torch.int32, device=packed.device)
    places = (packed.codes.to(torch.int32).unsqueeze(-1) >> shifts) & (2**packed.bits - 1)
    return places.view(packed.rows, -1)[:, : packed.columns].to(torch.uint8)


def quantize_rows(x: Tensor, grid: Grid, of_row: Tensor | None = None) -> PackedRows:
    """Pack x [rows, columns], row i times of_row[i] first.

    Raises:
        MethodError: x contains NaN.
    """
    if bool(x.isnan().any()):
        raise MethodError("a tensor to quantize contains NaN; the model that made it diverged")
    factor = _number(1 / grid.step, x) if of_row is None else (_number(1 / grid.step, x) * of_row).unsqueeze(1)
    return pack(_codes(x * factor, grid), grid)


def requantize_rows(
    codes: Tensor, given: Grid, grid: Grid, of_row: Tensor | None = None, relu: bool = False
) -> PackedRows:
    """Pack codes [rows, columns] uint8 of one grid on another one, row i times of_row[i] first.

    Codes above the given grid's largest count as that; `relu` makes negative values 0.
    """
    values = codes.to(torch.float32).clamp_(max=given.levels)
    values -= _number(given.zero_point, values)
    if relu:
        values.clamp_(min=0)
    factor = _number(given.step / grid.step, values)
    return pack(_codes(values * (factor if of_row is None else (factor * of_row).unsqueeze(1)), grid), grid)


def code_sums(operator: SymmetricOperator, packed: PackedRows) -> Tensor:
    """Sum of the codes of each row's entries, [rows, columns] int32."""
    pattern, codes = operator.pattern, unpack(packed)
    rows, columns = pattern.row_of_entry(), pattern.indices.long()
    sums = torch.zeros(pattern.rows, packed.columns, dtype=torch.int32, device=packed.device)
    at_once = max(1, _GATHERED // max(1, pattern.entries))
    for start in range(0, packed.columns, at_once):
        gathered = codes[:, start : start + at_once][columns].to(torch.int32)
        sums[:, start : start + at_once].index_add_(0, rows, gathered)
    return sums


def aggregate(
    operator: SymmetricOperator, packed: PackedRows, finish: Finish, dtype: torch.dtype = torch.float32
) -> Tensor | PackedRows:
    """As `methods.lowbit.aggregate.aggregate_packed`; the arithmetic after the integer sums is done in `dtype`."""
    root = operator.root.to(dtype)
    weight = root if finish.for_next else torch.ones_like(root)
    per_step = 1 / finish.to.step if finish.to is not None else 1.0
    shift = _number(packed.zero_point, root) * operator.pattern.degrees().to(dtype)
    values = code_sums(operator, packed).to(dtype) - shift.unsqueeze(1)
    if finish.result is None:
        share = _number(finish.share * packed.step * per_step, root)
        values *= (share * root * weight).unsqueeze(1)
    else:
        values *= (_number(packed.step / finish.result.step, root) * root).unsqueeze(1)
        values = _codes(values, finish.result).to(dtype) - _number(finish.result.zero_point, root)
        values *= (_number(finish.share * finish.result.step * per_step, root) * weight).unsqueeze(1)
    if finish.anchor is not None:
        values += _anchor_term(finish, per_step, weight)
    if finish.bias is not None:
        values += finish.bias.to(dtype) * (_number(per_step, root) * weight).unsqueeze(1)
    if finish.relu:
        values.clamp_(min=0)
    if finish.to is None:
        return values
    if bool(values.isnan().any()):
        raise MethodError("the anchor contains NaN; the model that made it diverged")
    return pack(_codes(values, finish.to), finish.to)


def _anchor_term(finish: Finish, per_step: float, weight: Tensor) -> Tensor:
    if isinstance(finish.anchor, PackedRows):
        step, values = finish.anchor.step, unpack(finish.anchor).to(weight.dtype)
        values -= _number(finish.anchor.zero_point, weight)
    else:
        assert finish.anchor is not None
        step, values = 1.0, finish.anchor.to(weight.dtype)
    return values * (_number(finish.anchor_share * step * per_step, weight) * weight).unsqueeze(1)


def _codes(values: Tensor, grid: Grid) -> Tensor:
    """Codes of values that were divided by the step."""
    low, high = grid.code_range
    return (values + _number(grid.offset, values)).round_().clamp_(low, high).to(torch.uint8)


def _number(value: float, like: Tensor) -> Tensor:
    """A number in the float type of a tensor, so that products with it are not done in a wider one."""
    return torch.tensor(value, dtype=like.dtype, device=like.device)

"""Aggregation of packed rows in Triton, for CUDA: one program per row, integer sums, and all that follows them.

`TRITON_INTERPRET=1` runs the kernel on CPU tensors, which is how it is tested without a GPU. Packing and unpacking take
plain torch here.
"""
# ruff: noqa: N803
# Triton's compile-time constants are written in capitals

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from methods.errors import MethodError
from methods.lowbit.finish import Finish
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packed_rows import PackedRows, packed_width
from methods.lowbit.reference import code_sums, quantize_rows, requantize_rows, unpack

__all__ = ["aggregate", "code_sums", "quantize_rows", "requantize_rows", "unpack"]


@triton.jit
def _rounded(x, offset, low, high):
    """round(x + offset), a half to the even number, clamped to [low, high]."""
    x = tl.minimum(tl.maximum(x + offset, low - 1.0), high + 1.0)
    # 1.5 * 2^23 leaves no bits behind the point; libdevice's rint has no interpreter
    x = (x + 12582912.0) - 12582912.0
    return tl.minimum(tl.maximum(x, low), high)


@triton.jit
def _codes(table, row, width, BITS: tl.constexpr, BYTES: tl.constexpr):
    """The codes of a packed row in the order of its columns, [BYTES * 8 / BITS] int32."""
    byte = tl.arange(0, BYTES)
    packed = tl.load(table + row * width + byte, mask=byte < width, other=0).to(tl.int32)
    shifts = tl.arange(0, 8 // BITS) * BITS
    spread = (packed[:, None] >> shifts[None, :]) & ((1 << BITS) - 1)
    return tl.reshape(spread, (BYTES * (8 // BITS),))


@triton.jit
def _aggregate(
    indptr, indices, table, root, anchor, bias, out, nan_found, columns,
    zero, share, result_factor, result_offset, result_low, result_high, result_zero,
    anchor_share, anchor_zero, bias_share, offset, low, high,
    BITS: tl.constexpr, ANCHOR_BITS: tl.constexpr, OUT_BITS: tl.constexpr, COLUMNS: tl.constexpr,
    SCALED: tl.constexpr, ROUNDS: tl.constexpr, BIASED: tl.constexpr, RELU: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    begin, end = tl.load(indptr + row), tl.load(indptr + row + 1)
    width = (columns * BITS + 7) // 8
    sums = tl.zeros((COLUMNS,), tl.int32)
    for entry in range(begin, end):
        sums += _codes(table, tl.load(indices + entry).to(tl.int64), width, BITS, COLUMNS * BITS // 8)
    column = tl.arange(0, COLUMNS)
    inside = column < columns
    own = tl.load(root + row)
    weight = own if SCALED else 1.0
    values = sums.to(tl.float32) - zero * (end - begin).to(tl.float32)
    if ROUNDS:
        values = _rounded(values * (result_factor * own), result_offset, result_low, result_high) - result_zero
        values = values * (share * weight)
    else:
        values = values * (share * own * weight)
    if ANCHOR_BITS == 32:
        given = tl.load(anchor + row * columns + column, mask=inside, other=0.0)
        values += given * (anchor_share * weight)
    elif ANCHOR_BITS > 0:
        anchor_width = (columns * ANCHOR_BITS + 7) // 8
        codes = _codes(anchor, row, anchor_width, ANCHOR_BITS, COLUMNS * ANCHOR_BITS // 8)
        values += (codes.to(tl.float32) - anchor_zero) * (anchor_share * weight)
    if BIASED:
        values += tl.load(bias + column, mask=inside, other=0.0) * (bias_share * weight)
    if RELU:
        values = tl.where(values < 0.0, 0.0, values)
    if OUT_BITS == 32:
        tl.store(out + row * columns + column, values, mask=inside)
    else:
        values = tl.where(inside, values, 0.0)
        if tl.sum((values != values).to(tl.int32), 0) > 0:
            tl.store(nan_found, 1)
        codes = _rounded(values, offset, low, high).to(tl.int32)
        places = tl.reshape(codes, (COLUMNS * OUT_BITS // 8, 8 // OUT_BITS))
        packed = tl.sum(places << (tl.arange(0, 8 // OUT_BITS) * OUT_BITS)[None, :], 1)
        out_width = (columns * OUT_BITS + 7) // 8
        byte = tl.arange(0, COLUMNS * OUT_BITS // 8)
        tl.store(out + row * out_width + byte, packed.to(tl.uint8), mask=byte < out_width)


def aggregate(operator: SymmetricOperator, packed: PackedRows, finish: Finish) -> Tensor | PackedRows:
    """As `methods.lowbit.reference.aggregate`."""
    rows, columns, to, result, anchor = packed.rows, packed.columns, finish.to, finish.result, finish.anchor
    per_step = 1.0 if to is None else 1 / to.step
    nan_found = torch.zeros(1, dtype=torch.int32, device=packed.device)
    if to is None:
        out = torch.empty(rows, columns, device=packed.device)
    else:
        out = torch.empty(rows, packed_width(columns, to.bits), dtype=torch.uint8, device=packed.device)
    nothing = operator.root
    _aggregate[(rows,)](
        operator.pattern.indptr,
        operator.pattern.indices,
        packed.codes,
        operator.root,
        nothing if anchor is None else (anchor.codes if isinstance(anchor, PackedRows) else anchor.contiguous()),
        nothing if finish.bias is None else finish.bias.contiguous(),
        out,
        nan_found,
        columns,
        packed.zero_point,
        finish.share * (packed.step if result is None else result.step) * per_step,
        1.0 if result is None else packed.step / result.step,
        0.0 if result is None else result.offset,
        *map(float, (0, 0) if result is None else result.code_range),
        0.0 if result is None else result.zero_point,
        finish.anchor_share * (anchor.step if isinstance(anchor, PackedRows) else 1.0) * per_step,
        anchor.zero_point if isinstance(anchor, PackedRows) else 0.0,
        per_step,
        0.0 if to is None else to.offset,
        *map(float, (0, 0) if to is None else to.code_range),
        BITS=packed.bits,
        ANCHOR_BITS=0 if anchor is None else (anchor.bits if isinstance(anchor, PackedRows) else 32),
        OUT_BITS=32 if to is None else to.bits,
        COLUMNS=max(4, triton.next_power_of_2(columns)),
        SCALED=finish.for_next,
        ROUNDS=result is not None,
        BIASED=finish.bias is not None,
        RELU=finish.relu,
        enable_fp_fusion=False,  # the same roundings as on the CPU
    )
    if to is None:
        return out
    if bool(nan_found):
        raise MethodError("the anchor contains NaN; the model that made it diverged")
    return PackedRows(out, columns, to)

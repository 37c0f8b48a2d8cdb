"""Calls of the CPU kernels of packed rows with tensors."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.kernels import lowbit_cpu, lowbit_packing_cpu
from methods.kernels.lowbit_blocks import Rounding, Table, Terms, scratch_bytes
from methods.kernels.lowbit_sums import block_size
from methods.kernels.on_cpu import match_threads, row_arrays
from methods.lowbit.finish import Finish
from methods.lowbit.grid import Grid
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packed_rows import PackedRows, packed_width

_CHUNKS_PER_THREAD = 16
_STREAMED = 1 << 24  # bytes of a result from which on it is written past the caches, which it would only flush

_NO_BYTES = np.empty(0, np.uint8)
_NO_FLOATS = np.empty(0, np.float32)
_NO_ROWS = np.empty((0, 0), np.float32)
_NO_ROUNDING = Rounding(*[np.float32(0)] * 5)


def quantize_rows(x: Tensor, grid: Grid, of_row: Tensor | None = None) -> PackedRows:
    """As `methods.lowbit.reference.quantize_rows`."""
    match_threads()
    x = x.detach().contiguous()
    packed = _empty(x.shape[0], x.shape[1], grid)
    bounds, scratch = _even_work(x.shape[0], x.shape[1])
    scale = _NO_FLOATS if of_row is None else of_row.contiguous().numpy()
    out = packed.codes.view(-1).numpy()
    if lowbit_packing_cpu.quantize(bounds, x.numpy(), scale, _rounding(grid, 1.0), scratch, out, grid.bits):
        raise MethodError("a tensor to quantize contains NaN; the model that made it diverged")
    return packed


def requantize_rows(
    codes: Tensor, given: Grid, grid: Grid, of_row: Tensor | None = None, relu: bool = False
) -> PackedRows:
    """As `methods.lowbit.reference.requantize_rows`."""
    match_threads()
    codes = codes.contiguous()
    packed = _empty(codes.shape[0], codes.shape[1], grid)
    bounds, scratch = _even_work(*codes.shape)
    scale = _NO_FLOATS if of_row is None else of_row.contiguous().numpy()
    # codes above the largest one may come from an operator that knows no fewer than 8 bits
    low, high = np.float32(given.zero_point if relu else 0), np.float32(given.levels)
    capped = _rounding(given, 1.0)._replace(low=low, high=high)
    out = packed.codes.view(-1).numpy()
    rounding = _rounding(grid, given.step)
    lowbit_packing_cpu.requantize(bounds, codes.numpy(), capped, scale, rounding, scratch, out, grid.bits)
    return packed


def unpack(packed: PackedRows) -> Tensor:
    """As `methods.lowbit.reference.unpack`; at 8 bits the codes themselves."""
    if packed.bits == 8:
        return packed.codes
    match_threads()
    out = packed.codes.new_empty(packed.rows, packed.columns)
    bounds, scratch = _even_work(packed.rows, packed.columns)
    lowbit_packing_cpu.unpack(bounds, packed.codes.view(-1).numpy(), packed.bits, scratch, out.numpy())
    return out


def code_sums(operator: SymmetricOperator, packed: PackedRows) -> Tensor:
    """As `methods.lowbit.reference.code_sums`."""
    match_threads()
    out = torch.empty(operator.pattern.rows, packed.columns, dtype=torch.int32)
    arrays, scratch = _work(operator.pattern, packed.columns)
    lowbit_cpu.code_sums(*arrays, _table(packed), scratch, out.numpy())
    return out


def aggregate(operator: SymmetricOperator, packed: PackedRows, finish: Finish) -> Tensor | PackedRows:
    """As `methods.lowbit.reference.aggregate`."""
    match_threads()
    rows, columns, to = operator.pattern.rows, packed.columns, finish.to
    arrays, scratch = _work(operator.pattern, columns)
    out: Tensor | PackedRows = torch.empty(rows, columns) if to is None else _empty(rows, columns, to)
    floats = out.numpy() if isinstance(out, Tensor) else _NO_ROWS
    codes = out.codes.view(-1).numpy() if isinstance(out, PackedRows) else _NO_BYTES
    anchor = finish.anchor
    packed_anchor = _table(anchor) if isinstance(anchor, PackedRows) else Table(_NO_BYTES, _NO_BYTES, 0, 0, 8)
    float_anchor = anchor.detach().contiguous().numpy() if isinstance(anchor, Tensor) else _NO_ROWS
    per_step = 1.0 if to is None else 1 / to.step
    result = _NO_ROUNDING if finish.result is None else _rounding(finish.result, packed.step)
    streaming = floats.nbytes >= _STREAMED and floats.ctypes.data % 64 == 0 and columns % 16 == 0
    found_nan = lowbit_cpu.aggregate(
        *arrays,
        _table(packed),
        operator.root.numpy(),
        _terms(packed, finish, per_step),
        result,
        packed_anchor,
        float_anchor,
        _filled_bias(finish.bias),
        _NO_ROUNDING if to is None else _rounding(to, 1.0),
        scratch,
        columns,
        floats,
        codes,
        8 if to is None else to.bits,
        streaming,
    )
    if found_nan:
        raise MethodError("the anchor contains NaN; the model that made it diverged")
    return out


def _terms(packed: PackedRows, finish: Finish, per_step: float) -> Terms:
    step = packed.step if finish.result is None else finish.result.step
    anchor = finish.anchor if isinstance(finish.anchor, PackedRows) else None
    return Terms(
        zero=np.float32(packed.zero_point),
        share=np.float32(finish.share * step * per_step),
        anchor_share=np.float32(finish.anchor_share * (1.0 if anchor is None else anchor.step) * per_step),
        anchor_zero=np.float32(0 if anchor is None else anchor.zero_point),
        bias_share=np.float32(per_step),
        floor=np.float32(0 if finish.relu else -math.inf),
        scaled=finish.for_next,
        rounds=finish.result is not None,
    )


def _rounding(grid: Grid, step: float) -> Rounding:
    """Of values that are multiples of `step`."""
    low, high = grid.code_range
    numbers = (step / grid.step, grid.offset, low, high, grid.zero_point)
    return Rounding(*(np.float32(number) for number in numbers))


def _table(packed: PackedRows) -> Table:
    stride = packed_width(packed.columns, packed.bits)
    covered = 0
    while covered < stride:
        covered += block_size.py_func(stride - covered)
    # the last rows are read from a copy, because a block may end behind them
    beyond = -(-(covered - stride) // stride) if stride else 0
    begins = max(0, packed.rows - beyond)
    last = packed.codes[begins:]
    tail = np.zeros(last.numel() + covered - stride, np.uint8)
    tail[: last.numel()] = last.view(-1).numpy()
    return Table(packed.codes.view(-1).numpy(), tail, begins, stride, packed.bits)


def _filled_bias(bias: Tensor | None) -> np.ndarray:
    if bias is None:
        return _NO_FLOATS
    filled = np.zeros(-(-bias.numel() // 64) * 64, np.float32)
    filled[: bias.numel()] = bias.detach().numpy()
    return filled


def _empty(rows: int, columns: int, grid: Grid) -> PackedRows:
    return PackedRows(torch.empty(rows, packed_width(columns, grid.bits), dtype=torch.uint8), columns, grid)


def _work(pattern: Adjacency, columns: int) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Chunks, row pointers and indices of a matrix, and scratch memory for as many chunks.

    Raises:
        MethodError: the matrix has 64-bit indices.
    """
    if pattern.indices.dtype != torch.int32:
        raise MethodError(
            "packed rows are summed over 32-bit indices; split a graph of 2^31 entries or more into parts"
        )
    arrays = row_arrays(pattern)
    return arrays, _scratch(arrays[0].size - 1, columns)


def _even_work(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    chunks = _CHUNKS_PER_THREAD * torch.get_num_threads()
    return np.linspace(0, rows, chunks + 1).astype(np.int64), _scratch(chunks, columns)


def _scratch(chunks: int, columns: int) -> np.ndarray:
    # torch's memory begins at a cache line
    return torch.empty(chunks, scratch_bytes(columns), dtype=torch.uint8).numpy()

"""From float tensors to packed rows and back."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.errors import MethodError
from methods.lowbit import reference
from methods.lowbit.backend import kernels
from methods.lowbit.grid import Grid
from methods.lowbit.packed_rows import PackedRows


def quantize_rows(x: Tensor, grid: Grid, of_row: Tensor | None = None) -> PackedRows:
    """Round a matrix to a grid and pack its codes, in one pass.

    Args:
        x: [rows, columns] float32.
        of_row: [rows] float32; row i is multiplied by of_row[i] before it is rounded. With the inverse roots of the
            degrees this gives the operand of an aggregation.

    Raises:
        MethodError: x is no float32 matrix or contains NaN, or `of_row` does not fit; no such device.
    """
    if x.dim() != 2 or x.dtype != torch.float32:
        raise MethodError(f"only float32 matrices are packed; this is {x.dtype} of shape {list(x.shape)}")
    _check_factors(of_row, x.shape[0])
    return kernels(x.device).quantize_rows(x, grid, of_row)


def requantize_rows(
    codes: Tensor, given: Grid, grid: Grid, of_row: Tensor | None = None, relu: bool = False
) -> PackedRows:
    """Pack codes of one grid on another one.

    Args:
        codes: [rows, columns] uint8 of the grid `given`; larger ones than it has count as its largest.
        of_row: [rows] float32, none negative; as in `quantize_rows`.
        relu: whether negative values become 0.

    Raises:
        MethodError: the codes are no uint8 matrix, or `of_row` does not fit or is negative; no such device.
    """
    _check_codes(codes)
    _check_factors(of_row, codes.shape[0])
    if of_row is not None and bool((of_row < 0).any()):
        raise MethodError("a row of codes is multiplied by a negative factor; only its root of a degree is meant")
    return kernels(codes.device).requantize_rows(codes, given, grid, of_row, relu)


def pack(codes: Tensor, grid: Grid) -> PackedRows:
    """Pack codes as they are.

    Args:
        codes: [rows, columns] uint8, at most `grid.levels`.

    Raises:
        MethodError: the codes are no uint8 matrix, or one does not fit into the bits.
    """
    _check_codes(codes)
    if codes.numel() and int(codes.max()) > grid.levels:
        raise MethodError(f"{grid.bits} bits hold codes up to {grid.levels} but one is {int(codes.max())}")
    return reference.pack(codes, grid)


def unpack(packed: PackedRows) -> Tensor:
    """The codes of packed rows, [rows, columns] uint8."""
    return kernels(packed.device).unpack(packed)


def dequantize(packed: PackedRows) -> Tensor:
    """The values of packed rows, [rows, columns] float32."""
    return packed.grid.dequantize(unpack(packed))


def _check_codes(codes: Tensor) -> None:
    if codes.dim() != 2 or codes.dtype != torch.uint8:
        raise MethodError(f"codes are uint8 matrices; this is {codes.dtype} of shape {list(codes.shape)}")


def _check_factors(of_row: Tensor | None, rows: int) -> None:
    if of_row is not None and (list(of_row.shape) != [rows] or of_row.dtype != torch.float32):
        raise MethodError(
            f"factors of rows must be float32 of shape [{rows}] but are {of_row.dtype} of {list(of_row.shape)}"
        )

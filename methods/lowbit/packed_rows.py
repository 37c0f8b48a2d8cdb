"""A matrix of few-bit codes, several codes a byte."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.errors import MethodError
from methods.lowbit.grid import Grid


def packed_width(columns: int, bits: int) -> int:
    """Bytes of a packed row: its codes without gaps, filled up to a whole byte."""
    return -(-columns * bits // 8)


@dataclass(frozen=True)
class PackedRows:
    """Codes packed along the columns, lowest bits first: byte j of a row holds the codes j * 8/bits and following.

    A last byte that is not full is filled up with the code of 0. This is the layout of the row-wise formats of FBGEMM
    and PyTorch without their scales.

    Attributes:
        codes: [rows, packed_width(columns, bits)] uint8, contiguous.
        columns: number of columns.
        grid: what the codes mean; one step and one zero point for all.

    Raises:
        MethodError: `codes` has another type or shape.
    """

    codes: Tensor
    columns: int
    grid: Grid

    def __post_init__(self) -> None:
        width = packed_width(self.columns, self.bits)
        if self.codes.dtype != torch.uint8 or self.codes.dim() != 2 or self.codes.shape[1] != width:
            raise MethodError(
                f"{self.columns} columns of {self.bits} bits need uint8 codes of shape [rows, {width}] but got "
                f"{self.codes.dtype} of {list(self.codes.shape)}"
            )
        if not self.codes.is_contiguous():
            raise MethodError("packed rows must lie in memory without gaps; call contiguous() on their codes")

    @property
    def bits(self) -> int:
        return self.grid.bits

    @property
    def step(self) -> float:
        return self.grid.step

    @property
    def zero_point(self) -> float:
        return self.grid.zero_point

    @property
    def rows(self) -> int:
        return self.codes.shape[0]

    @property
    def device(self) -> torch.device:
        return self.codes.device

    @property
    def bytes(self) -> int:
        """Bytes really allocated: the codes' memory, and 8 for the step (float32) and the zero point."""
        return self.codes.untyped_storage().nbytes() + 8

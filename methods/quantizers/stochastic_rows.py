"""Tensors kept in few bits, row by row, by rounding at random so that they are right on average."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 2**18
"""Entries that are packed or unpacked at once, so that temporaries stay small beside what they are made from."""
_ROOM = 1 + 2.0**-7
"""A number grows by this much before it is stored as bfloat16, so that rounding cannot make it smaller."""

_TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class StochasticRows:
    """A matrix whose row i holds low_i + step_i * code.

    Attributes:
        codes: [rows, ceil(columns * bits / 8)] uint8, the first code in the lowest bits.
        low, step: [rows] bfloat16.
        positive: [rows, ceil(columns / 8)] uint8, one bit an entry, where no entry is negative and some are 0; else
            None. A ReLU asks in backward which of its outputs were positive, and no rounding may change that answer.
        columns: of the matrix.
        bits: 2, 4 or 8.
        dtype: of the matrix.
    """

    codes: Tensor
    low: Tensor
    step: Tensor
    positive: Tensor | None
    columns: int
    bits: int
    dtype: torch.dtype

    @classmethod
    def of(cls, x: Tensor, bits: int) -> StochasticRows:
        """Pack a matrix; each code is rounded up or down at random, in proportion to what is nearer.

        Source: Liu et al. 2022 (EXACT), sec. 3.1. Low ends are rounded down and steps up to bfloat16, so that every
        entry lies between two codes and the mean over draws is the entry.

        Args:
            x: [rows, columns] float32 or float64, finite.
        """
        rows, columns = x.shape
        levels = 2**bits - 1
        low, high = torch.aminmax(x, dim=1)
        nonnegative = bool((low >= 0).all())
        low = (low - low.abs() * (_ROOM - 1)).bfloat16()
        step = ((high - low.to(x.dtype)) / levels * _ROOM).bfloat16()
        # a row of equal entries has no step, and the inverse of a denormal one is not finite
        scale = torch.where(step > _TINY, 1 / step.to(x.dtype), 0)
        codes = torch.empty(rows, -(-columns * bits // 8), dtype=torch.uint8, device=x.device)
        masked = nonnegative and bool((low == 0).any())
        positive = torch.empty(rows, -(-columns // 8), dtype=torch.uint8, device=x.device) if masked else None
        for some in _chunks(rows, columns):
            part = x[some]
            exact = (part - low[some].to(x.dtype).unsqueeze(1)).mul_(scale[some].unsqueeze(1))
            codes[some] = pack_codes(exact.add_(_noise(exact)).floor_().clamp_(0, levels).to(torch.uint8), bits)
            if positive is not None:
                positive[some] = pack_codes((part > 0).to(torch.uint8), 1)
        return cls(codes, low, step, positive, columns, bits, x.dtype)

    def restored(self) -> Tensor:
        """The matrix, [rows, columns]."""
        rows = self.codes.shape[0]
        out = torch.empty(rows, self.columns, dtype=self.dtype, device=self.codes.device)
        low, step = self.low.to(self.dtype).unsqueeze(1), self.step.to(self.dtype).unsqueeze(1)
        for some in _chunks(rows, self.columns):
            codes = unpack_codes(self.codes[some], self.bits, self.columns)
            torch.addcmul(low[some], codes.to(self.dtype), step[some], out=out[some])
            if self.positive is not None:
                # the smallest positive number keeps the sign of what was rounded to 0
                least = unpack_codes(self.positive[some], 1, self.columns).to(self.dtype).mul_(_TINY)
                torch.maximum(out[some], least, out=out[some])
        return out

    @property
    def bytes(self) -> int:
        """Bytes of all its tensors."""
        parts = self.codes, self.low, self.step, *(() if self.positive is None else (self.positive,))
        return sum(part.numel() * part.element_size() for part in parts)


def pack_codes(codes: Tensor, bits: int) -> Tensor:
    """Codes of 1, 2, 4 or 8 bits into bytes, the first in the lowest bits, rows padded with zeros.

    Args:
        codes: [rows, columns] uint8, each below 2^bits.

    Returns:
        [rows, ceil(columns * bits / 8)] uint8.
    """
    per_byte = 8 // bits
    if per_byte == 1:
        return codes
    padded = torch.nn.functional.pad(codes, (0, -codes.shape[1] % per_byte))
    packed = padded[:, ::per_byte].clone()
    for position in range(1, per_byte):
        packed |= padded[:, position::per_byte] << (position * bits)
    return packed


def unpack_codes(packed: Tensor, bits: int, columns: int) -> Tensor:
    """The reverse of `pack_codes`, [rows, columns] uint8."""
    shifts = torch.arange(0, 8, bits, dtype=torch.uint8, device=packed.device)
    codes = (packed.unsqueeze(2) >> shifts) & (2**bits - 1)
    return codes.flatten(1)[:, :columns]


def _chunks(rows: int, columns: int) -> Iterator[slice]:
    size = max(1, CHUNK // max(columns, 1))
    return (slice(start, start + size) for start in range(0, rows, size))


def _noise(like: Tensor) -> Tensor:
    """Uniform numbers in (0, 1) with 16 random bits each, which cost a quarter of full ones."""
    words = torch.empty(-(-like.numel() // 4), dtype=torch.int64, device=like.device).random_(-(2**63), None)
    return words.view(torch.int16)[: like.numel()].view(like.shape).to(like.dtype).add_(32768.5).div_(65536)

"""What the kernels of packed rows share: their arguments, their scratch memory, and rows of any length.

Wherever a row ends inside a block of 64 columns, the rest of the block is computed from whatever lies there and thrown
away.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from methods.kernels.lowbit_values import COLUMNS, copy_1, copy_8, copy_64

LINE = 64
"""Bytes of a cache line."""
VALUE_BYTES = 4 * COLUMNS


class Table(NamedTuple):
    """Packed rows as the kernels read them: in blocks that may end behind the last row.

    Attributes:
        codes: all rows, flat.
        tail: a copy of the rows from `tail_begins` on, with room behind them for a whole block.
        stride: bytes of a row.
    """

    codes: np.ndarray
    tail: np.ndarray
    tail_begins: int
    stride: int
    bits: int


class Rounding(NamedTuple):
    """code = clamp(round(value * factor + offset), low, high); all float32."""

    factor: np.float32
    offset: np.float32
    low: np.float32
    high: np.float32
    zero: np.float32


class Terms(NamedTuple):
    """What is made of an aggregate, see `methods.lowbit.finish`; the factors hold all steps. Numbers are float32.

    Attributes:
        zero: zero point of the aggregated rows.
        share, anchor_share, bias_share: factors of the aggregate, the anchor and the bias.
        anchor_zero: zero point of a packed anchor.
        floor: smallest value before the last rounding.
        scaled: whether each row is multiplied by its `root`.
        rounds: whether the aggregate is rounded to a grid of its own first.
    """

    zero: np.float32
    share: np.float32
    anchor_share: np.float32
    anchor_zero: np.float32
    bias_share: np.float32
    floor: np.float32
    scaled: bool
    rounds: bool


def scratch_bytes(columns: int) -> int:
    """Bytes that a chunk needs: sums of a row and of an anchor's row, a block of values, one of codes, and an index."""
    return 2 * 4 * _padded(columns) + VALUE_BYTES + 2 * LINE


def _padded(columns: int) -> int:
    # blocks of up to 64 bytes hold up to 256 columns of 2 bits
    return -(-columns // 256) * 256


@numba.njit(inline="always")
def copy(source, target, length):
    """Copy a number of bytes."""
    done = 0
    while done + 64 <= length:
        copy_64(source + done, target + done)
        done += 64
    while done + 8 <= length:
        copy_8(source + done, target + done)
        done += 8
    while done < length:
        copy_1(source + done, target + done)
        done += 1

"""The library path: torch's embedding bags over rows of 2, 4 and 8 bits, which carry their own scale and bias.

A row is its codes, lowest bits first, and behind them scale and bias: float32 at 8 bits, float16 at 4 and 2. A code
means scale * code + bias. Source: FBGEMM's row-wise quantized embeddings, as in `torch.ops.quantized`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.lowbit.grid import BITS
from methods.lowbit.packed_rows import PackedRows, packed_width

_SCALES = {2: torch.float16, 4: torch.float16, 8: torch.float32}


@dataclass(frozen=True)
class RowwiseRows:
    """Packed rows with a scale and a bias each.

    Attributes:
        table: [rows, packed width + 8 bytes at 8 bits and + 4 at 4 and 2] uint8.
        columns: number of columns, a multiple of the codes a byte holds.
    """

    table: Tensor
    columns: int
    bits: int

    @classmethod
    def of_floats(cls, x: Tensor, bits: int) -> RowwiseRows:
        """Each row of x [rows, columns] float32 on the range of its own values.

        Raises:
            MethodError: the width is no multiple of the codes a byte holds, x contains NaN, or no such bits.
        """
        _check(x.shape[1], bits)
        if bool(x.isnan().any()):
            raise MethodError("a tensor to quantize contains NaN; the model that made it diverged")
        operators = torch.ops.quantized
        prepack = {
            2: operators.embedding_bag_2bit_prepack,
            4: operators.embedding_bag_4bit_prepack,
            8: operators.embedding_bag_byte_prepack,
        }
        return cls(prepack[bits](x.contiguous()), x.shape[1], bits)

    @classmethod
    def of_packed(cls, packed: PackedRows) -> RowwiseRows:
        """Packed rows of one grid, whose step and bias are written behind every row.

        At 4 and 2 bits they are rounded to float16, so that values differ by a relative error of up to 5e-4.

        Raises:
            MethodError: the width is no multiple of the codes a byte holds.
        """
        _check(packed.columns, packed.bits)
        scales = torch.tensor([packed.step, -packed.step * packed.zero_point], dtype=_SCALES[packed.bits])
        behind = scales.view(torch.uint8).expand(packed.rows, -1)
        return cls(torch.cat([packed.codes, behind], dim=1), packed.columns, packed.bits)

    @property
    def bytes(self) -> int:
        """Bytes really allocated."""
        return self.table.untyped_storage().nbytes()

    def values(self) -> Tensor:
        """What the rows mean, decoded in plain torch, [rows, columns] float32."""
        width = packed_width(self.columns, self.bits)
        scale, bias = self.table[:, width:].contiguous().view(_SCALES[self.bits]).float().unsqueeze(-1).unbind(1)
        shifts = torch.arange(0, 8, self.bits, dtype=torch.int32)
        places = (self.table[:, :width].int().unsqueeze(-1) >> shifts) & (2**self.bits - 1)
        return places.view(len(self.table), -1)[:, : self.columns] * scale + bias

    def sums(self, pattern: Adjacency) -> Tensor:
        """Sum of the rows of each bag, [rows of the pattern, columns] float32; empty bags give 0.

        The operators for 4 and 2 bits use the calling thread only, so that as many threads call them as torch has.

        Args:
            pattern: its rows are the bags; values are the rows' weights where it has some.
        """
        threads = 1 if self.bits == 8 else torch.get_num_threads()
        if threads == 1:
            return self._bag(pattern, 0, pattern.rows)
        work = torch.linspace(0, pattern.entries, threads + 1).to(pattern.indptr.dtype)
        bounds = torch.searchsorted(pattern.indptr, work).tolist()
        bounds[0], bounds[-1] = 0, pattern.rows
        with ThreadPoolExecutor(threads) as pool:
            return torch.cat(list(pool.map(self._bag, [pattern] * threads, bounds[:-1], bounds[1:])))

    def _bag(self, pattern: Adjacency, start: int, stop: int) -> Tensor:
        operators = torch.ops.quantized
        bag = {
            2: operators.embedding_bag_2bit_rowwise_offsets,
            4: operators.embedding_bag_4bit_rowwise_offsets,
            8: operators.embedding_bag_byte_rowwise_offsets,
        }
        pointers = pattern.indptr[start : stop + 1]
        first, last = int(pointers[0]), int(pointers[-1])
        weights = None if pattern.values is None else pattern.values[first:last]
        return bag[self.bits](
            self.table,
            pattern.indices[first:last],
            pointers - first,
            per_sample_weights=weights,
            include_last_offset=True,
        )


def _check(columns: int, bits: int) -> None:
    if bits not in BITS:
        raise MethodError(f"codes have 2, 4 or 8 bits, not {bits}")
    if columns * bits % 8:
        raise MethodError(
            f"torch's {bits}-bit bags need a multiple of {8 // bits} columns but got {columns}; fill the rows up with "
            "zeros, or use aggregate_packed"
        )

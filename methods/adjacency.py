"""The adjacency of a graph view: compressed sparse rows, with its normalisations cached."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Normalization = Literal["none", "symmetric", "mean"]


class Adjacency:
    """A sparse matrix A [rows, columns] whose row v lists the nodes that v receives messages from.

    Attributes:
        indptr: [rows + 1], int32 (int64 from 2^31 entries on); row v owns `indices[indptr[v]:indptr[v + 1]]`.
        indices: [entries], the same integer type.
        values: [entries] float weights, or None where every weight is 1.
        columns: number of columns.
        symmetric: whether A equals its transpose, values included; then no transpose is ever built.
    """

    def __init__(
        self,
        indptr: Tensor,
        indices: Tensor,
        columns: int,
        values: Tensor | None = None,
        symmetric: bool = False,
    ) -> None:
        index_type = torch.int32 if max(indices.numel(), columns) < 2**31 else torch.int64
        self.indptr = indptr.to(index_type).contiguous()
        self.indices = indices.to(index_type).contiguous()
        self.values = values
        self.columns = columns
        self.symmetric = symmetric
        self._normalized: dict[tuple[Normalization, bool], Adjacency] = {}
        self._transposed: tuple[Adjacency, Tensor] | None = None
        self._sparse: Tensor | None = None
        self.work_bounds: Tensor | None = None  # the CPU kernels keep their division of the rows here

    @classmethod
    def from_edges(cls, sources: Tensor, targets: Tensor, nodes: int, symmetric: bool = False) -> Adjacency:
        """Build from directed edges source -> target, each listed once."""
        order = torch.argsort(targets * nodes + sources)
        return cls(_row_pointers(targets, nodes), sources[order], nodes, symmetric=symmetric)

    @property
    def rows(self) -> int:
        return self.indptr.numel() - 1

    @property
    def entries(self) -> int:
        return self.indices.numel()

    @property
    def device(self) -> torch.device:
        return self.indices.device

    def degrees(self) -> Tensor:
        """Number of entries of each row, [rows] int64."""
        return (self.indptr[1:] - self.indptr[:-1]).long()

    def row_of_entry(self) -> Tensor:
        """Row of each entry, [entries] int64."""
        return torch.repeat_interleave(torch.arange(self.rows, device=self.device), self.degrees())

    def transposed(self) -> Adjacency:
        """A transposed, computed once."""
        return self if self.symmetric else self.transposed_with_order()[0]

    def transposed_with_order(self) -> tuple[Adjacency, Tensor]:
        """A transposed, and for each of its entries the position of that entry in A ([entries])."""
        if self._transposed is None:
            order = torch.argsort(self.indices, stable=True)
            values = None if self.values is None else self.values[order]
            flipped = Adjacency(
                _row_pointers(self.indices, self.columns), self.row_of_entry()[order], self.rows, values
            )
            self._transposed = (flipped, order.to(self.indices.dtype))
        return self._transposed

    def normalized(self, kind: Normalization, self_loops: bool = False) -> Adjacency:
        """The operator that message passing multiplies with, computed once.

        Args:
            kind: `symmetric` is D^-1/2 A D^-1/2 (Kipf and Welling 2017, eq. 2), `mean` is D^-1 A, `none` is A.
                D holds the row sums after self-loops; rows without entries stay zero.
            self_loops: add a unit self-loop to every node that has none.
        """
        key = (kind, self_loops)
        if key not in self._normalized:
            pattern = self._with_self_loops() if self_loops else self
            self._normalized[key] = pattern if kind == "none" else pattern._scaled(kind)
        return self._normalized[key]

    def masked(self, kept: Tensor) -> Adjacency:
        """Only some of the entries.

        Args:
            kept: [entries] bool. The result counts as directed, since it need not keep both directions of an edge.
        """
        rows = self.row_of_entry()[kept]
        values = None if self.values is None else self.values[kept]
        return Adjacency(_row_pointers(rows, self.rows), self.indices[kept], self.columns, values)

    def sparse_tensor(self) -> Tensor:
        """The same matrix as a torch CSR tensor, made once (the CUDA path multiplies with it)."""
        if self._sparse is None:
            values = self.values if self.values is not None else torch.ones(self.entries, device=self.device)
            self._sparse = torch.sparse_csr_tensor(
                self.indptr, self.indices, values, size=(self.rows, self.columns), check_invariants=False
            )
        return self._sparse

    def to(self, device: torch.device | str) -> Adjacency:
        """A copy on another device, without the caches."""
        values = None if self.values is None else self.values.to(device)
        return Adjacency(self.indptr.to(device), self.indices.to(device), self.columns, values, self.symmetric)

    def _with_self_loops(self) -> Adjacency:
        rows, columns = self.row_of_entry(), self.indices.long()
        lonely = torch.ones(self.rows, dtype=torch.bool, device=self.device)
        lonely[columns[rows == columns]] = False
        extra = lonely.nonzero().squeeze(1)
        rows, columns = torch.cat([rows, extra]), torch.cat([columns, extra])
        order = torch.argsort(rows * self.columns + columns)
        values = None
        if self.values is not None:
            values = torch.cat([self.values, self.values.new_ones(extra.numel())])[order]
        return Adjacency(_row_pointers(rows, self.rows), columns[order], self.columns, values, self.symmetric)

    def _scaled(self, kind: Normalization) -> Adjacency:
        rows = self.row_of_entry()
        weights = self.values if self.values is not None else torch.ones(self.entries, device=self.device)
        sums = torch.zeros(self.rows, device=self.device).index_add_(0, rows, weights)
        if kind == "mean":
            scaled, symmetric = weights * _inverse(sums)[rows], False
        else:
            root = _inverse(sums).sqrt()
            scaled, symmetric = weights * root[rows] * root[self.indices.long()], self.symmetric
        return Adjacency(self.indptr, self.indices, self.columns, scaled, symmetric)


def _inverse(sums: Tensor) -> Tensor:
    return torch.where(sums > 0, 1 / sums, torch.zeros_like(sums))


def _row_pointers(rows: Tensor, count: int) -> Tensor:
    pointers = torch.zeros(count + 1, dtype=torch.int64, device=rows.device)
    torch.cumsum(torch.bincount(rows, minlength=count), 0, out=pointers[1:])
    return pointers

"""The adjacency of a graph view: compressed sparse rows, with its normalisations cached."""

from __future__ import annotations

from types import ModuleType
from typing import Literal

import torch
from torch import Tensor

from methods.compilers import has_compiler

Normalization = Literal["none", "symmetric", "mean"]


class Adjacency:
    """A sparse matrix A [rows, columns] whose row v lists the nodes that v receives messages from.

    Attributes:
        indptr: [rows + 1], int32 (int64 from 2^31 entries on); row v owns `indices[indptr[v]:indptr[v + 1]]`.
        indices: [entries], the same integer type.
        values: [entries] float weights, or None where every weight is 1.
        columns: number of columns.
        symmetric: whether A equals its transpose, values included; then no transpose is ever built.
        row_sums: [rows] float, the sums of these rows, self-loops not added, in the graph that A was sampled from, or
            None where A is the graph itself. Normalisation divides by them, so that a sample whose values are inverse
            inclusion probabilities estimates the whole graph's operator without bias.
    """

    def __init__(
        self,
        indptr: Tensor,
        indices: Tensor,
        columns: int,
        values: Tensor | None = None,
        symmetric: bool = False,
        row_sums: Tensor | None = None,
    ) -> None:
        index_type = torch.int32 if max(indices.numel(), columns) < 2**31 else torch.int64
        self.indptr = indptr.to(index_type).contiguous()
        self.indices = indices.to(index_type).contiguous()
        self.values = values
        self.columns = columns
        self.symmetric = symmetric
        self.row_sums = row_sums
        self._normalized: dict[tuple[Normalization, bool], Adjacency] = {}
        self._transposed: tuple[Adjacency, Tensor] | None = None
        self._sparse: Tensor | None = None
        self._sums: Tensor | None = None
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

    def weights(self) -> Tensor:
        """The value of each entry, 1 where the matrix has none, [entries] float."""
        return torch.ones(self.entries, device=self.device) if self.values is None else self.values

    def row_of_entry(self) -> Tensor:
        """Row of each entry, [entries] int64."""
        return torch.repeat_interleave(torch.arange(self.rows, device=self.device), self.degrees())

    def transposed(self) -> Adjacency:
        """A transposed, computed once."""
        return self if self.symmetric else self.transposed_with_order()[0]

    def transposed_with_order(self) -> tuple[Adjacency, Tensor]:
        """A transposed, and for each of its entries the position of that entry in A ([entries])."""
        if self._transposed is None:
            order = _order_by_column(self.indices, self.columns)
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
        if key == ("none", False):
            return self  # kept, it would be a cycle, and views would live until the garbage collector runs
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
        return Adjacency(
            _row_pointers(rows, self.rows), self.indices[kept], self.columns, values, row_sums=self.row_sums
        )

    def ranges(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Position of the first entry of some rows, and the number of each row's entries; both [k] int64."""
        # index_select is several times as fast as indexing on the CPU
        starts = self.indptr.index_select(0, rows).long()
        return starts, self.indptr.index_select(0, rows + 1).long() - starts

    def entries_of(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Positions of all entries of some rows, row after row, and the number of each row's; both int64."""
        starts, sizes = self.ranges(rows)
        return concatenated_ranges(starts, sizes), sizes

    def sources(self, entries: Tensor) -> Tensor:
        """The column of some entries, given by position, [k] int64."""
        return self.indices.index_select(0, entries).long()

    def own(self, x: Tensor) -> Tensor:
        """Of x [columns, ...] what belongs to the rows of the operators that `normalized` gives: here all of it."""
        return x

    def induced(self, nodes: Tensor) -> Adjacency:
        """The square matrix between some of the nodes, P^T A P with the columns of P in the order of `nodes`.

        Args:
            nodes: [k] int64, each at most once.
        """
        position = self.indices.new_full((self.columns,), -1)
        position[nodes] = torch.arange(nodes.numel(), device=self.device, dtype=position.dtype)
        pointers, indices, values = _operations(self.device).induced(self, nodes, position)
        row_sums = None if self.row_sums is None else self.row_sums[nodes]
        return Adjacency(pointers, indices, nodes.numel(), values, self.symmetric, row_sums)

    def sparse_tensor(self) -> Tensor:
        """The same matrix as a torch CSR tensor, made once (the CUDA path multiplies with it)."""
        if self._sparse is None:
            self._sparse = torch.sparse_csr_tensor(
                self.indptr, self.indices, self.weights(), size=(self.rows, self.columns), check_invariants=False
            )
        return self._sparse

    def to(self, device: torch.device | str) -> Adjacency:
        """A copy on another device, without the caches."""
        values, row_sums = (None if tensor is None else tensor.to(device) for tensor in (self.values, self.row_sums))
        return Adjacency(
            self.indptr.to(device), self.indices.to(device), self.columns, values, self.symmetric, row_sums
        )

    def _with_self_loops(self) -> Adjacency:
        pointers, indices, values, lonely = _operations(self.device).with_loops(self)
        row_sums = None if self.row_sums is None else self.row_sums + lonely
        return Adjacency(pointers, indices, self.columns, values, self.symmetric, row_sums)

    def _scaled(self, kind: Normalization) -> Adjacency:
        if kind == "mean":
            of_row, of_column, symmetric = _inverse(self.sums()), None, False
        else:
            of_row = of_column = _inverse(self.sums()).sqrt()
            symmetric = self.symmetric
        values = _operations(self.device).scaled(self, of_row, of_column)
        return Adjacency(self.indptr, self.indices, self.columns, values, symmetric)

    def sums_of(self, rows: Tensor) -> Tensor:
        """What `sums` gives for some rows, [k] float; those of all rows are computed once."""
        if self._sums is None:
            self._sums = self.sums()
        return self._sums.index_select(0, rows)

    def sums(self) -> Tensor:
        """The row sums that normalisation divides by, self-loops not added, [rows] float."""
        if self.row_sums is not None:
            return self.row_sums
        if self.values is None:
            return self.degrees().float()
        return torch.zeros(self.rows, device=self.device).index_add_(0, self.row_of_entry(), self.values)


def concatenated_ranges(starts: Tensor, sizes: Tensor) -> Tensor:
    """[start_0, ..., start_0 + size_0 - 1, start_1, ...] without a loop; int64."""
    ends = torch.cumsum(sizes, 0)
    shift = torch.repeat_interleave(starts - (ends - sizes), sizes)
    return torch.arange(shift.numel(), device=starts.device) + shift


def offsets(sizes: Tensor) -> Tensor:
    """[0, size_0, size_0 + size_1, ...], [k + 1] int64."""
    result = torch.zeros(sizes.numel() + 1, dtype=torch.int64, device=sizes.device)
    torch.cumsum(sizes, 0, out=result[1:])
    return result


def _order_by_column(columns: Tensor, count: int) -> Tensor:
    """The stable order that sorts column numbers, [entries]; counting on the CPU is ten times faster than a sort."""
    if columns.device.type != "cpu" or not has_compiler(columns.device):
        return torch.argsort(columns, stable=True)
    from methods.kernels.order_cpu import order_by_value

    return torch.from_numpy(order_by_value(columns.numpy(), count))


def _operations(device: torch.device) -> ModuleType:
    if device.type == "cpu" and has_compiler(device):
        from methods.kernels import on_cpu

        return on_cpu
    from methods.kernels import in_torch

    return in_torch


def _inverse(sums: Tensor) -> Tensor:
    return torch.where(sums > 0, 1 / sums, torch.zeros_like(sums))


def _row_pointers(rows: Tensor, count: int) -> Tensor:
    return offsets(torch.bincount(rows, minlength=count))

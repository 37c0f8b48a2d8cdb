"""The propagation operator in the form that integer sums need: a pattern, and a factor for each node."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.lowbit.grid import BITS


@dataclass(frozen=True)
class SymmetricOperator:
    """D^-1/2 (A + I) D^-1/2 as unweighted sums between two scalings by D^-1/2.

    Attributes:
        pattern: A + I [nodes, nodes] without values.
        root: [nodes] float32, D^-1/2; 0 for a node without entries.
        most_entries: of any row.
    """

    pattern: Adjacency
    root: Tensor
    most_entries: int

    @classmethod
    def of(cls, adjacency: Adjacency, self_loops: bool = True) -> SymmetricOperator:
        """The operator of a graph.

        Args:
            adjacency: square, unweighted.
            self_loops: add a loop to every node that has none, as GCN and APPNP do.

        Raises:
            MethodError: the adjacency has weights, or is not square.
        """
        if adjacency.values is not None:
            raise MethodError("integer sums need an unweighted adjacency; aggregate a weighted one in float32")
        if adjacency.rows != adjacency.columns:
            raise MethodError(
                f"a symmetric operator needs as many rows as columns but got {adjacency.rows} and {adjacency.columns}"
            )
        pattern = adjacency.normalized("none", self_loops=self_loops)
        sums = pattern.sums()
        root = torch.where(sums > 0, sums.rsqrt(), torch.zeros_like(sums))
        most = int(pattern.degrees().max()) if pattern.rows else 0
        return cls(pattern, root, most)

    def check(self, bits: int) -> None:
        """See that int32 holds every sum of codes.

        Raises:
            MethodError: a row has so many entries that its sum could overflow; bits that no kernel has.
        """
        if bits not in BITS:
            raise MethodError(f"codes have 2, 4 or 8 bits, not {bits}")
        if self.most_entries * (2**bits - 1) >= 2**31:
            raise MethodError(
                f"a node with {self.most_entries} neighbours overflows int32 sums of {bits} bits; use fewer bits"
            )

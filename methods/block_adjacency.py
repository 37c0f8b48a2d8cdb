"""An adjacency of which a network computes some rows only: how a large graph is predicted block by block."""

from __future__ import annotations

from torch import Tensor

from methods.adjacency import Adjacency, Normalization


class BlockAdjacency(Adjacency):
    """A square adjacency whose operators have only its first rows.

    A layer that multiplies with `normalized(...)` and takes a node's own features from `own(x)` then maps x [nodes, in]
    to [targets, out], as it would on the whole graph if the first rows are complete and the row sums are the whole
    graph's.

    Args:
        adjacency: [nodes, nodes].
        targets: how many of the nodes are computed.
    """

    def __init__(self, adjacency: Adjacency, targets: int) -> None:
        super().__init__(
            adjacency.indptr,
            adjacency.indices,
            adjacency.columns,
            adjacency.values,
            adjacency.symmetric,
            adjacency.row_sums,
        )
        self.targets = targets

    def normalized(self, kind: Normalization, self_loops: bool = False) -> Adjacency:
        """The first rows of what `Adjacency.normalized` gives, [targets, nodes]."""
        whole = super().normalized(kind, self_loops)
        kept = int(whole.indptr[self.targets])
        values = None if whole.values is None else whole.values[:kept]
        return Adjacency(whole.indptr[: self.targets + 1], whole.indices[:kept], whole.columns, values)

    def own(self, x: Tensor) -> Tensor:
        return x[: self.targets]

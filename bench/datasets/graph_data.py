"""The one shape every dataset has: features, CSR adjacency, labels, splits, metric."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.errors import UsageError
from db.records import DatasetRecord

Metric = Literal["accuracy", "roc_auc"]
Level = Literal["node", "graph"]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Indices of nodes (of graphs where the dataset's level is `graph`), int64, disjoint."""

    train: IntArray
    valid: IntArray
    test: IntArray


@dataclass(frozen=True)
class GraphData:
    """One dataset, ready for a trial.

    Attributes:
        name: canonical spec, for example `cora(split=full)`.
        version: version of the published set and of how it is prepared.
        sha256: hash of the arrays below, splits included.
        x: float32 [N, F]; may be a read-only memory map.
        indptr, indices: int64 [N+1], int32 [E]; CSR whose row is the receiving node and whose entries are its
            in-neighbours, ascending, each once, without self-loops.
        y: int64 [N], or [G] where level is `graph`; -1 is unlabelled. Sealed data has the smallest type that holds it.
        splits: official ones where they exist, otherwise ten seeded ones.
        metric: what the field reports on this set.
        level: what a label belongs to.
        undirected: every edge is there in both directions.
        graph_ptr: int64 [G+1], first node of each graph, when the set is many graphs.
        categories: number of values of each feature column when `x` holds integer codes.
        edge_homophily, adjusted_homophily: Platonov et al. 2023; None where labels belong to graphs or there
            is one class only.
        substitute_for: name of the published set that this one stands in for and must never be reported as.
    """

    name: str
    version: str
    sha256: str
    x: NDArray[np.float32]
    indptr: IntArray
    indices: NDArray[np.int32]
    y: NDArray[np.signedinteger]
    splits: tuple[Split, ...]
    metric: Metric
    level: Level
    classes: int
    undirected: bool
    graph_ptr: IntArray | None = None
    categories: tuple[int, ...] | None = None
    edge_homophily: float | None = None
    adjusted_homophily: float | None = None
    description: str = ""
    substitute_for: str | None = None

    @property
    def nodes(self) -> int:
        """Number of nodes of all graphs together."""
        return int(self.x.shape[0])

    @property
    def edges(self) -> int:
        """Number of CSR entries: an undirected edge counts twice."""
        return int(self.indices.shape[0])

    @property
    def features(self) -> int:
        """Number of feature columns."""
        return int(self.x.shape[1])

    @property
    def graphs(self) -> int:
        """Number of graphs."""
        return 1 if self.graph_ptr is None else len(self.graph_ptr) - 1

    def sealed(self, split: int) -> GraphData:
        """The same data with only this split and every one of its test labels replaced by -1.

        This is all that a training process gets.

        Raises:
            UsageError: there is no such split.
        """
        if not 0 <= split < len(self.splits):
            raise UsageError(f"{self.name} has splits 0 to {len(self.splits) - 1}; there is no split {split}")
        y = np.array(self.y, dtype=np.min_scalar_type(-self.classes))
        y[self.splits[split].test] = -1
        return replace(self, y=y, splits=(self.splits[split],))

    def record(self) -> DatasetRecord:
        """What the store keeps of this dataset."""
        return DatasetRecord(
            name=self.name,
            version=self.version,
            sha256=self.sha256,
            nodes=self.nodes,
            edges=self.edges,
            features=self.features,
            classes=self.classes,
            graphs=self.graphs,
            level=self.level,
            metric=self.metric,
            edge_homophily=self.edge_homophily,
            adjusted_homophily=self.adjusted_homophily,
            description=self.description,
            substitute_for=self.substitute_for,
        )

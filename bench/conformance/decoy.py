"""A made-up dataset for watched trials. Its labels may be wrong in every file and object that a method could reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.datasets import registry
from bench.datasets.csbm import csbm
from bench.datasets.graph_data import Split
from bench.datasets.raw_files import RawFiles

Part = Literal["valid", "test"]

SETS = "q-tips(graphs=11)"
"""A set of graphs, for plug-ins that take nothing else."""
_TABLE = 'graph = "graph.npz"\nmetric = "roc_auc"\nclasses = 2\n'


@dataclass(frozen=True)
class Decoy:
    """A dataset's spec, its folders, and how many labels its parts have."""

    spec: str
    data_dir: Path
    cache_dir: Path
    sizes: dict[Part, int]


def lay_out(folder: Path, sets: bool = False, wrong: Part | None = None) -> Decoy:
    """Write a dataset: a graph as a user's own file, scored by ROC AUC so that predictions are numbers; or a set.

    Args:
        folder: a new one.
        wrong: the part whose labels are drawn at random.
    """
    data_dir, cache = folder / "data", folder / "cache"
    data_dir.mkdir(parents=True)
    return _set_of_graphs(data_dir, cache, wrong) if sets else _graph(data_dir, cache, wrong)


def _graph(data_dir: Path, cache: Path, wrong: Part | None) -> Decoy:
    none = RawFiles("csbm", (), data_dir, cache, verify=True)
    raw = csbm(none, nodes=240, degree=6.0, features=8, classes=2)
    split, table = raw.splits[0], data_dir / "graph.toml"
    np.savez(
        data_dir / "graph.npz", x=raw.x, y=_labels(raw.y, split, 2, wrong), edge_index=raw.edge_index,
        train=split.train, valid=split.valid, test=split.test,
    )  # fmt: skip
    table.write_text(_TABLE)
    return Decoy(str(table), data_dir, cache, _sizes(split))


def _set_of_graphs(data_dir: Path, cache: Path, wrong: Part | None) -> Decoy:
    data = registry.load(SETS, data_dir, cache)
    split = data.splits[0]
    labels = _labels(data.y, split, data.classes, wrong)
    [prepared] = (cache / "datasets").iterdir()
    np.save(prepared / "y.npy", labels)
    return Decoy(SETS, data_dir, cache, _sizes(split))


def _labels(y: NDArray[np.integer], split: Split, classes: int, wrong: Part | None) -> NDArray[np.int64]:
    labels = np.array(y, np.int64)
    if wrong is not None:
        # drawn, not permuted: a method that reads only counts, or which labels are equal, has to notice as well
        positions = getattr(split, wrong)
        labels[positions] = np.random.default_rng(7).integers(classes, size=len(positions))
    return labels


def _sizes(split: Split) -> dict[Part, int]:
    return {"valid": len(split.valid), "test": len(split.test)}

"""Cora, CiteSeer and PubMed (Yang et al. 2016, arXiv:1603.08861) from the original `ind.*` files."""

from __future__ import annotations

import io
import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.datasets.declaration import Loader, Sizes
from bench.datasets.graph_data import Split
from bench.datasets.raw_files import RawFile, RawFiles, raw_file
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import SPLITS, from_geom_gcn, per_class

_SOURCE = "https://github.com/kimiyoung/planetoid"
_GEOM_GCN = "https://raw.githubusercontent.com/graphdml-uiuc-jlu/geom-gcn/f1fc0d14b3b019c562737240d06ec83b07d16a8f"
_PARTS = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")

PlanetoidSplit = Literal["public", "full", "random", "geom-gcn"]


def _register(name: str, title: str, description: str, sizes: Sizes) -> None:
    files = [
        raw_file(f"planetoid/{title}/raw/ind.{name}.{part}", f"{_SOURCE}/raw/master/data/ind.{name}.{part}")
        for part in _PARTS
    ]
    dataset(
        name,
        metric="accuracy",
        description=description,
        sizes=sizes,
        licence="MIT",
        source=_SOURCE,
        files=[*files, *_split_files(name, title)],
    )(_loader(name, title))


def _split_files(name: str, title: str) -> list[RawFile]:
    stems = [f"{name}_split_0.6_0.2_{number}.npz" for number in range(SPLITS)]
    return [
        raw_file(f"planetoid/{title}/geom-gcn/raw/{stem}", f"{_GEOM_GCN}/splits/{stem}", only_for=("split", "geom-gcn"))
        for stem in stems
    ]


def _loader(name: str, title: str) -> Loader:
    def load(files: RawFiles, *, split: PlanetoidSplit = "public") -> RawGraph:
        paths = [files.path(f"planetoid/{title}/raw/ind.{name}.{part}") for part in _PARTS]
        x, edge_index, y, test = read_planetoid(paths)
        labelled = _read(paths[3]).shape[0]
        if split == "geom-gcn":
            splits = from_geom_gcn(files.path(file.path) for file in _split_files(name, title))
        elif split == "random":
            splits = per_class(y, train=20, valid=500, test=1000)
        else:
            splits = (_official(split, labelled, test, len(y)),)
        return RawGraph(x=x, edge_index=edge_index, y=y, splits=splits)

    return load


def _official(split: PlanetoidSplit, labelled: int, test: NDArray[np.int64], nodes: int) -> Split:
    valid = np.arange(labelled, labelled + 500)
    if split == "public":
        return Split(np.arange(labelled), valid, test)
    return Split(np.setdiff1d(np.arange(nodes), np.concatenate([valid, test])), valid, test)


def read_planetoid(paths: list[Path]) -> tuple[NDArray, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row-normalised features, edges, labels and test nodes from the eight files, in the order of `_PARTS`."""
    _, tx, allx, _, ty, ally, graph = (_read(path) for path in paths[:7])
    order = np.loadtxt(paths[7], dtype=np.int64)
    nodes = max(int(order.max()) + 1, max(graph) + 1)
    x = np.zeros((nodes, allx.shape[1]), np.float32)
    y = np.zeros((nodes, ally.shape[1]), np.int64)
    x[: allx.shape[0]], y[: ally.shape[0]] = allx.toarray(), ally
    x[order], y[order] = tx.toarray(), ty
    # CiteSeer has 15 isolated nodes without features; their empty label row becomes class 0, as everywhere in the field
    sums = x.sum(axis=1, keepdims=True)
    x = np.divide(x, sums, out=np.zeros_like(x), where=sums != 0)
    sources = np.repeat(np.fromiter(graph, np.int64), [len(ends) for ends in graph.values()])
    targets = np.fromiter((end for ends in graph.values() for end in ends), np.int64)
    return x, np.stack([sources, targets]), y.argmax(axis=1), np.sort(order)


class _ArraysOnly(pickle.Unpickler):
    """Builds sparse matrices, arrays and adjacency lists, and nothing that could execute code."""

    def find_class(self, module: str, name: str) -> Any:
        from scipy.sparse import csr_matrix

        allowed = {
            "csr_matrix": csr_matrix,
            "_reconstruct": np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
            "ndarray": np.ndarray,
            "dtype": np.dtype,
            "defaultdict": defaultdict,
            "list": list,
        }
        if name not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return allowed[name]


def _read(path: Path) -> Any:
    return _ArraysOnly(io.BytesIO(path.read_bytes()), encoding="latin1").load()


_register(
    "cora",
    "Cora",
    "Machine learning papers that cite each other; topic",
    Sizes(nodes=2_708, features=1_433, classes=7, edges=10_556),
)
_register(
    "citeseer",
    "CiteSeer",
    "Computer science papers that cite each other; topic",
    Sizes(nodes=3_327, features=3_703, classes=6, edges=9_104),
)
_register(
    "pubmed",
    "PubMed",
    "Papers on diabetes that cite each other; type of diabetes",
    Sizes(nodes=19_717, features=500, classes=3, edges=88_648),
)

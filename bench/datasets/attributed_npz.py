"""Sets in the sparse `.npz` layout of Shchur et al. 2018 (arXiv:1811.05868): Amazon, Coauthor, CitationFull.

Features are binarised and edges symmetrised, as PyTorch Geometric does, so that numbers can be compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.datasets.declaration import Loader, Sizes
from bench.datasets.graph_data import Split
from bench.datasets.raw_files import RawFile, RawFiles, raw_file
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import per_class, stratified

_SHCHUR = "https://github.com/shchur/gnn-benchmark"
_BOJCHEVSKI = "https://github.com/abojchevski/graph2gauss"
_FIXED = "https://github.com/cornell-zhang/Polynormer/raw/main/data"


def _register(
    name: str, path: str, source: str, url: str, description: str, sizes: Sizes, fixed: str | None = None
) -> None:
    files = [raw_file(path, url)]
    if fixed is not None:
        files.append(raw_file(f"fixed_splits/{fixed}", f"{_FIXED}/{fixed}", only_for=("split", "fixed")))
    dataset(
        name,
        metric="accuracy",
        description=description,
        sizes=sizes,
        licence="MIT",
        source=source,
        files=files,
    )(_loader_with_fixed_split(files) if fixed else _loader(files))


def _loader(files: list[RawFile]) -> Loader:
    def load(found: RawFiles, *, split: Literal["random", "shchur"] = "random") -> RawGraph:
        return _graph(found.path(files[0].path), split)

    return load


def _loader_with_fixed_split(files: list[RawFile]) -> Loader:
    def load(found: RawFiles, *, split: Literal["fixed", "random", "shchur"] = "fixed") -> RawGraph:
        path = found.path(files[0].path)
        if split != "fixed":
            return _graph(path, split)
        with np.load(found.path(files[1].path)) as arrays:
            return _graph(path, Split(arrays["train"], arrays["valid"], arrays["test"]))

    return load


def _graph(path: Path, split: str | Split) -> RawGraph:
    """Read the set; `random` is ten stratified splits of 60/20/20 %, `shchur` ten of 20 and 30 nodes a class."""
    from scipy.sparse import csr_matrix

    # class_names is an array of Python objects; it is never read, so nothing is unpickled
    with np.load(path) as arrays:
        x, adjacency = (
            csr_matrix(
                (np.ones(len(arrays[f"{part}_indices"]), np.float32), *_pattern(arrays, part)),
                shape=tuple(arrays[f"{part}_shape"]),
            )
            for part in ("attr", "adj")
        )
        # an explicitly stored 0 is no feature
        x.data = (arrays["attr_data"] > 0).astype(np.float32)
        y = arrays["labels"].astype(np.int64)
    edges = adjacency.tocoo()
    if isinstance(split, Split):
        splits: tuple[Split, ...] = (split,)
    elif split == "random":
        splits = stratified(y, train=0.6)
    else:
        splits = per_class(y, train=20, valid=30, valid_per_class=True)
    return RawGraph(x=x.toarray(), edge_index=np.stack([edges.row, edges.col]), y=y, splits=splits)


def _pattern(arrays: Any, part: str) -> tuple[NDArray, NDArray]:
    return arrays[f"{part}_indices"], arrays[f"{part}_indptr"]


_register(
    "amazon-computers",
    "amazon/Computers/raw/amazon_electronics_computers.npz",
    _SHCHUR,
    f"{_SHCHUR}/raw/master/data/npz/amazon_electronics_computers.npz",
    "Computer goods often bought together; category",
    Sizes(nodes=13_752, features=767, classes=10, edges=491_722),
    fixed="amazon-computer_split.npz",
)
_register(
    "amazon-photo",
    "amazon/Photo/raw/amazon_electronics_photo.npz",
    _SHCHUR,
    f"{_SHCHUR}/raw/master/data/npz/amazon_electronics_photo.npz",
    "Photo goods often bought together; category",
    Sizes(nodes=7_650, features=745, classes=8, edges=238_162),
    fixed="amazon-photo_split.npz",
)
_register(
    "coauthor-cs",
    "coauthor/CS/raw/ms_academic_cs.npz",
    _SHCHUR,
    f"{_SHCHUR}/raw/master/data/npz/ms_academic_cs.npz",
    "Computer scientists who wrote a paper together; field of study",
    Sizes(nodes=18_333, features=6_805, classes=15, edges=163_788),
    fixed="coauthor-cs_split.npz",
)
_register(
    "coauthor-physics",
    "coauthor/Physics/raw/ms_academic_phy.npz",
    _SHCHUR,
    f"{_SHCHUR}/raw/master/data/npz/ms_academic_phy.npz",
    "Physicists who wrote a paper together; field of study",
    Sizes(nodes=34_493, features=8_415, classes=5, edges=495_924),
    fixed="coauthor-physics_split.npz",
)
_register(
    "dblp",
    "citation_full/dblp/raw/dblp.npz",
    _BOJCHEVSKI,
    f"{_BOJCHEVSKI}/raw/master/data/dblp.npz",
    "Computer science papers that cite each other; field",
    Sizes(nodes=17_716, features=1_639, classes=4, edges=105_734),
)
_register(
    "cora-ml",
    "citation_full/cora_ml/raw/cora_ml.npz",
    _BOJCHEVSKI,
    f"{_BOJCHEVSKI}/raw/master/data/cora_ml.npz",
    "Machine learning papers that cite each other; topic",
    Sizes(nodes=2_995, features=2_879, classes=7, edges=16_316),
)
_register(
    "citeseer-full",
    "citation_full/citeseer/raw/citeseer.npz",
    _BOJCHEVSKI,
    f"{_BOJCHEVSKI}/raw/master/data/citeseer.npz",
    "Computer science papers that cite each other; topic",
    Sizes(nodes=4_230, features=602, classes=6, edges=10_674),
)

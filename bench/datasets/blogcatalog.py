"""BlogCatalog with attributes (Yang et al. 2020, arXiv:2009.00826)."""

from __future__ import annotations

import numpy as np

from bench.datasets.declaration import Sizes
from bench.datasets.raw_files import RawFiles, raw_file
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import stratified

_FOLDER = "attributed/blogcatalog/raw"


@dataset(
    "blogcatalog",
    metric="accuracy",
    description="Bloggers who follow each other; field of interest",
    sizes=Sizes(nodes=5_196, features=8_189, classes=6, edges=343_486),
    licence="none stated",
    source="https://renchi.ac.cn/datasets/",
    files=[raw_file(f"{_FOLDER}/{name}") for name in ("attrs.npz", "edgelist.txt", "labels.txt")],
)
def blogcatalog(files: RawFiles) -> RawGraph:
    """Splits: ten random stratified ones of 60/20/20 %."""
    from scipy.sparse import csr_matrix

    with np.load(files.path(f"{_FOLDER}/attrs.npz")) as arrays:
        x = csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=tuple(arrays["shape"])).toarray()
    labels = np.loadtxt(files.path(f"{_FOLDER}/labels.txt"), dtype=np.int64)
    y = np.full(len(x), -1, np.int64)
    # the file numbers the classes from 1
    y[labels[:, 0]] = labels[:, 1] - 1
    edges = np.loadtxt(files.path(f"{_FOLDER}/edgelist.txt"), dtype=np.int64)
    return RawGraph(x=x, edge_index=edges.T, y=y, splits=stratified(y, train=0.6))

"""ogbn-arxiv's real edges, labels and time split with features made from the edges alone. Not ogbn-arxiv."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.datasets.adjacency import to_csr
from bench.datasets.declaration import Sizes
from bench.datasets.ogb import csv_files, read_csv, read_split
from bench.datasets.raw_files import RawFiles
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset

_FOLDER = "incomplete/ogbn_arxiv"
_TABLES = ("raw/edge", "raw/node-label", "split/time/train", "split/time/valid", "split/time/test")
_FEATURES = 128


@dataset(
    "arxiv-structural",
    metric="accuracy",
    description="ogbn-arxiv's edges, labels and split; its features are replaced by a spectral embedding of the edges",
    sizes=Sizes(nodes=169_343, features=_FEATURES, classes=40, edges=2_315_598, stored_edges=1_166_243),
    licence="ODC-BY",
    source="https://ogb.stanford.edu/docs/nodeprop/#ogbn-arxiv",
    files=csv_files(
        _FOLDER, "arxiv", "http://snap.stanford.edu/ogb/data/nodeproppred/arxiv.zip", _TABLES, "ogb/ogbn_arxiv"
    ),
    substitute_for="ogbn-arxiv",
)
def arxiv_structural(files: RawFiles) -> RawGraph:
    """Papers that cite each other, in both directions; features: see `spectral_features`."""
    edges, y = (read_csv(files.path(f"{_FOLDER}/{table}.csv.gz")) for table in _TABLES[:2])
    x = spectral_features(edges.T, len(y), _FEATURES)
    return RawGraph(x=x, edge_index=edges.T, y=y.ravel(), splits=read_split(files, _FOLDER, "split/time"))


def spectral_features(edge_index: NDArray[np.integer], nodes: int, features: int) -> NDArray[np.float32]:
    """Left singular vectors times singular values of D^-1/2 A D^-1/2, rows scaled to mean square 1.

    Seeded, so that one machine always gives the same numbers. Without the row scaling the entries would follow
    the square root of the degree (Ng, Jordan and Weiss 2002).

    Args:
        edge_index: [2, E]; made undirected.
        nodes: number of nodes N.
        features: number of singular vectors F.

    Returns:
        float32 [N, F]; a node without neighbours has a row of zeros.
    """
    from scipy.sparse import csr_array
    from sklearn.utils.extmath import randomized_svd

    indptr, indices = to_csr(edge_index, nodes)
    degree = np.diff(indptr)
    scale = 1 / np.sqrt(np.maximum(degree, 1)).astype(np.float32)
    values = np.repeat(scale, degree) * scale[indices]
    matrix = csr_array((values, indices, indptr), shape=(nodes, nodes))
    left, singular, _ = randomized_svd(matrix, n_components=features, n_iter=4, random_state=0)
    x = (left * singular).astype(np.float32)
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    norm[degree == 0] = 0
    return np.divide(x * np.float32(np.sqrt(features)), norm, out=np.zeros_like(x), where=norm > 0)

"""The optical digits that scikit-learn carries, as a graph of nearest neighbours: real data without a download."""

from __future__ import annotations

import numpy as np

from bench.datasets.raw_files import RawFiles
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import stratified
from bench.errors import UsageError

_IMAGES = 1797


@dataset(
    "digits-knn",
    metric="accuracy",
    description="1,797 handwritten digits of 8 x 8 pixels, each joined to its nearest images; which digit",
    licence="CC BY 4.0",
    source="https://archive.ics.uci.edu/dataset/80",
)
def digits_knn(files: RawFiles, *, k: int = 8) -> RawGraph:
    """Each image is joined to its `k` nearest ones by Euclidean distance, in both directions; features are pixels / 16.

    Splits: ten random stratified ones of 60/20/20 %.

    Raises:
        UsageError: there are not that many other images.
    """
    from sklearn.datasets import load_digits
    from sklearn.neighbors import NearestNeighbors

    if not 1 <= k < _IMAGES:
        raise UsageError(f"digits-knn has {_IMAGES} images, so k must be 1 to {_IMAGES - 1}, not {k}")
    digits = load_digits()
    x = (digits.data / 16).astype(np.float32)
    y = digits.target.astype(np.int64)
    nearest = NearestNeighbors(n_neighbors=k).fit(x).kneighbors(return_distance=False)
    edge_index = np.stack([nearest.ravel(), np.repeat(np.arange(len(x)), k)])
    return RawGraph(x=x, edge_index=edge_index, y=y, splits=stratified(y, train=0.6), classes=10)

"""Facebook friendships within a college (Traud et al. 2012), as used by LINKX (Lim et al. 2021, arXiv:2110.14446)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from bench.datasets.declaration import Loader, Sizes
from bench.datasets.raw_files import RawFiles, raw_file
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import stratified

_SOURCE = "https://github.com/CUAI/Non-Homophily-Large-Scale"
_GENDER = 1
"""The column of `local_info` that is predicted; the others are features."""


def _register(name: str, upstream: str, sizes: Sizes) -> None:
    path = f"linkx/{name}/raw/data.mat"
    dataset(
        name,
        metric="accuracy",
        description=f"Friends on Facebook in {upstream}; gender, not known of all",
        sizes=sizes,
        licence="none stated",
        source=_SOURCE,
        files=[raw_file(path, f"{_SOURCE}/raw/master/data/facebook100/{quote(upstream)}.mat")],
    )(_loader(path))


def _loader(path: str) -> Loader:
    def load(files: RawFiles) -> RawGraph:
        edge_index, columns = _read(files.path(path))
        y = columns[:, _GENDER] - 1
        features = np.delete(columns, _GENDER, axis=1)
        # the field draws 50/25/25 % at random; ten stratified draws over the labelled nodes here
        return RawGraph(x=_one_hot(features), edge_index=edge_index, y=y, splits=stratified(y, train=0.5))

    return load


def _read(path: Path) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    from scipy.io import loadmat

    tables = loadmat(path, variable_names=["A", "local_info"])
    edges = tables["A"].tocoo()
    return np.stack([edges.row, edges.col]), tables["local_info"].astype(np.int64)


def _one_hot(columns: NDArray[np.int64]) -> NDArray[np.float32]:
    blocks = []
    for column in columns.T:
        values, codes = np.unique(column, return_inverse=True)
        block = np.zeros((len(column), len(values)), np.float32)
        block[np.arange(len(column)), codes] = 1
        blocks.append(block)
    return np.concatenate(blocks, axis=1)


_register("reed98", "Reed98", Sizes(nodes=962, features=745, classes=2, edges=37_624))
_register("amherst41", "Amherst41", Sizes(nodes=2_235, features=1_193, classes=2, edges=181_908))
_register("johnshopkins55", "Johns Hopkins55", Sizes(nodes=5_180, features=2_406, classes=2, edges=373_172))
_register("cornell5", "Cornell5", Sizes(nodes=18_660, features=4_735, classes=2, edges=1_581_554))
_register("penn94", "Penn94", Sizes(nodes=41_554, features=4_814, classes=2, edges=2_724_458))

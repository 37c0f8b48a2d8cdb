from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from bench.datasets import registry


def test_features_are_binarised_and_edges_go_both_ways(tmp_path: Path) -> None:
    attributes = np.zeros((40, 3), np.float32)
    attributes[0] = [2.5, 0, 7]
    adjacency = np.zeros((40, 40), np.float32)
    adjacency[0, 1] = adjacency[1, 0] = adjacency[2, 0] = adjacency[3, 3] = 1
    arrays = {}
    for part, matrix in (("attr", csr_matrix(attributes)), ("adj", csr_matrix(adjacency))):
        arrays |= {f"{part}_{key}": getattr(matrix, key) for key in ("data", "indices", "indptr", "shape")}
    names = np.array(["objects", "are not read"], dtype=object)
    path = tmp_path / "citation_full/dblp/raw/dblp.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, **arrays, labels=np.arange(40) % 4, class_names=names)
    data = registry.load("dblp", tmp_path, tmp_path / "cache", verify=False)
    assert data.x[0].tolist() == [1, 0, 1]
    assert data.indices[data.indptr[0] : data.indptr[1]].tolist() == [1, 2]
    assert (data.edges, len(data.splits)) == (4, 10)
    assert len(data.splits[0].train) == 24


def test_fixed_split_is_the_published_one(real_data: Path, cache: Path) -> None:
    data = registry.load("amazon-photo", real_data, cache)
    with np.load(real_data / "fixed_splits/amazon-photo_split.npz") as arrays:
        assert np.array_equal(data.splits[0].train, arrays["train"])
        assert np.array_equal(data.splits[0].test, arrays["test"])


def test_shchur_split_has_twenty_and_thirty_a_class(real_data: Path, cache: Path) -> None:
    data = registry.load("amazon-photo(split=shchur)", real_data, cache)
    assert np.bincount(data.y[data.splits[5].train]).tolist() == [20] * 8
    assert np.bincount(data.y[data.splits[5].valid]).tolist() == [30] * 8

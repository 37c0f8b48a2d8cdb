from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.datasets import planetoid, registry
from bench.errors import DataError


def test_features_are_row_normalised(real_data: Path, cache: Path) -> None:
    data = registry.load("citeseer", real_data, cache)
    sums = data.x.sum(axis=1)
    # 15 test nodes have no features at all
    assert np.isclose(sums, 1, atol=1e-5).sum() == 3_327 - 15
    assert (sums == 0).sum() == 15


def test_public_split_is_the_published_one(real_data: Path, cache: Path) -> None:
    data = registry.load("cora", real_data, cache)
    split = data.splits[0]
    assert np.array_equal(split.train, np.arange(140))
    assert np.array_equal(split.valid, np.arange(140, 640))
    assert np.array_equal(split.test, np.arange(1708, 2708))
    assert np.bincount(data.y[split.train]).tolist() == [20] * 7


def test_two_geom_gcn_splits_of_citeseer_are_smaller(real_data: Path, cache: Path) -> None:
    splits = registry.load("citeseer(split=geom-gcn)", real_data, cache).splits
    sizes = [(len(split.train), len(split.valid), len(split.test)) for split in splits]
    assert sizes[0] == (1_596, 1_065, 666)
    assert sizes[4] == sizes[5] == (1_017, 679, 424)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def test_a_file_that_wants_to_execute_code_is_refused(real_data: Path, tmp_path: Path) -> None:
    shutil.copytree(real_data / "planetoid/Cora/raw", tmp_path / "planetoid/Cora/raw")
    target = tmp_path / "planetoid/Cora/raw/ind.cora.x"
    target.chmod(0o600)
    target.write_bytes(pickle.dumps(_Evil()))
    with pytest.raises(DataError, match="is not allowed"):
        registry.load("cora", tmp_path, tmp_path / "cache", verify=False)


def test_same_arrays_as_pytorch_geometric(real_data: Path) -> None:
    from torch_geometric.io import read_planetoid_data

    folder = real_data / "planetoid/Cora/raw"
    theirs = read_planetoid_data(str(folder), "cora")
    x, edge_index, y, test = planetoid.read_planetoid([folder / f"ind.cora.{part}" for part in planetoid._PARTS])
    raw = theirs.x.numpy()
    assert np.allclose(x, raw / raw.sum(axis=1, keepdims=True), atol=1e-6)
    assert np.array_equal(y, theirs.y.numpy())
    assert np.array_equal(test, np.flatnonzero(theirs.test_mask.numpy()))
    assert set(map(tuple, edge_index.T.tolist())) >= set(map(tuple, theirs.edge_index.numpy().T.tolist()))

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from bench.datasets import registry


def test_the_published_unlabelled_nodes_are_in_no_split(real_data: Path, cache: Path) -> None:
    for name, unlabelled in (("reed98", 97), ("amherst41", 203), ("johnshopkins55", 418)):
        data = registry.load(name, real_data, cache)
        assert int((data.y == -1).sum()) == unlabelled
        for split in data.splits:
            assert (data.y[np.concatenate([split.train, split.valid, split.test])] >= 0).all()


@pytest.mark.parametrize("name", ["penn94", "cornell5"])
def test_stand_in_of_the_published_format(name: str, tmp_path: Path) -> None:
    # columns of the file: status, gender (0 is unknown), five more
    table = np.zeros((30, 7), np.uint16)
    table[:, 0] = np.arange(30) % 2 + 1
    table[:, 1] = np.arange(30) % 3
    table[:, 2] = np.where(np.arange(30) < 5, 0, 77)
    edges = np.zeros((30, 30))
    edges[0, 1] = edges[1, 0] = 1
    path = tmp_path / f"linkx/{name}/raw/data.mat"
    path.parent.mkdir(parents=True)
    savemat(path, {"A": csc_matrix(edges), "local_info": table})
    data = registry.load(name, tmp_path, tmp_path / "cache", verify=False)
    assert data.y.tolist() == [number % 3 - 1 for number in range(30)]
    # one-hot of two, two and four times one value
    assert data.x[0].tolist() == [1, 0, 1, 0, 1, 1, 1, 1]
    assert data.x[7].tolist() == [0, 1, 0, 1, 1, 1, 1, 1]
    assert (data.edges, data.classes) == (2, 2)

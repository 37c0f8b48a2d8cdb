from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import registry
from bench.errors import UsageError


def test_neighbours_are_the_nearest_images(tmp_path: Path) -> None:
    data = registry.load("digits-knn(k=3)", cache_dir=tmp_path)
    assert (data.nodes, data.features, data.classes, data.undirected) == (1797, 64, 10, True)
    assert 3 * 1797 <= data.edges <= 2 * 3 * 1797
    assert float(data.x.max()) == 1.0
    distance = np.linalg.norm(data.x - data.x[17], axis=1)
    distance[17] = np.inf
    neighbours = data.indices[data.indptr[17] : data.indptr[18]]
    assert set(np.argsort(distance)[:3]) <= set(neighbours.tolist())


@pytest.mark.parametrize("k", [0, 1797])
def test_impossible_k(k: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"k must be 1 to 1796, not {k}"):
        registry.load(f"digits-knn(k={k})", cache_dir=tmp_path)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import registry
from bench.datasets.csbm import draw_edges
from bench.errors import UsageError


@pytest.mark.parametrize("homophily", [0.0, 0.3, 1.0])
def test_dials_are_what_comes_out(homophily: float, tmp_path: Path) -> None:
    spec = f"csbm(nodes=4001,degree=12,homophily={homophily},classes=3,features=5)"
    data = registry.load(spec, cache_dir=tmp_path)
    assert (data.nodes, data.edges, data.features, data.classes) == (4001, 2 * 24_006, 5, 3)
    assert data.edge_homophily == pytest.approx(homophily, abs=0.02)
    assert np.bincount(data.y).tolist() == [1334, 1334, 1333]


def test_signal_is_the_length_of_the_class_means(tmp_path: Path) -> None:
    data = registry.load("csbm(nodes=20000,signal=3,features=4)", cache_dir=tmp_path)
    for label in range(4):
        # the mean of 5,000 normal vectors is off by about sqrt(4 / 5000) = 0.03
        assert np.linalg.norm(data.x[data.y == label].mean(axis=0)) == pytest.approx(3, abs=0.1)


def test_edges_are_distinct_and_every_class_is_reached() -> None:
    y = np.arange(7) % 3
    edges = draw_edges(np.random.default_rng(0), y, 3, 8, 0.5)
    assert edges.shape == (2, 8)
    assert (edges[0] < edges[1]).all()
    assert edges.max() <= 6
    assert len({tuple(edge) for edge in edges.T.tolist()}) == 8


def test_one_seed_one_graph(tmp_path: Path) -> None:
    first, second, other = (
        registry.load(f"csbm(nodes=400,seed={seed})", cache_dir=tmp_path / folder).sha256
        for seed, folder in ((1, "a"), (1, "b"), (2, "a"))
    )
    assert first == second != other


@pytest.mark.parametrize("dials", ["classes=1", "homophily=1.5", "nodes=20", "degree=9000", "degree=0", "signal=-1"])
def test_impossible_dials(dials: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="csbm"):
        registry.load(f"csbm({dials})", cache_dir=tmp_path)

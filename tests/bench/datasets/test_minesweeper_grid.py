from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import registry
from bench.datasets.adjacency import to_csr
from bench.datasets.minesweeper_grid import grid_edges, mines_nearby
from bench.errors import UsageError


def test_neighbours_of_a_small_grid() -> None:
    # cells 0 1 2 / 3 4 5 / 6 7 8
    indptr, indices = to_csr(grid_edges(3), 9)
    assert indices[indptr[0] : indptr[1]].tolist() == [1, 3, 4]
    assert indices[indptr[4] : indptr[5]].tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    assert len(indices) == 2 * (6 + 6 + 4 + 4)


def test_mines_nearby_by_hand() -> None:
    mined = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert mines_nearby(mined).tolist() == [[1, 2, 1], [2, 1, 1], [1, 1, 1]]


def test_features_tell_the_truth(tmp_path: Path) -> None:
    data = registry.load("minesweeper-grid(side=30,seed=1)", cache_dir=tmp_path)
    hidden = data.x[:, 0] == 1
    assert (hidden.sum(), data.y.sum()) == (450, 180)
    assert not data.x[hidden, 1:].any()
    shown = data.x[~hidden, 1:]
    assert (shown.sum(axis=1) == 1).all()
    nearby = np.minimum(mines_nearby(data.y.reshape(30, 30)).ravel(), 5)
    assert np.array_equal(shown.argmax(axis=1), nearby[~hidden])


def test_default_has_the_shape_of_minesweeper(tmp_path: Path) -> None:
    data = registry.load("minesweeper-grid", cache_dir=tmp_path)
    assert (data.nodes, data.edges, data.features, data.classes) == (10_000, 78_804, 7, 2)
    assert (data.metric, len(data.splits)) == ("roc_auc", 10)
    assert [len(data.splits[0].train), len(data.splits[0].valid), len(data.splits[0].test)] == [5000, 2500, 2500]


def test_the_published_graph_follows_the_recipe(real_data: Path, cache: Path) -> None:
    data = registry.load("minesweeper", real_data, cache)
    indptr, indices = to_csr(grid_edges(100), 10_000)
    assert np.array_equal(indptr, data.indptr)
    assert np.array_equal(indices, data.indices)
    shown = data.x[:, 0] == 0
    nearby = np.minimum(mines_nearby(np.asarray(data.y).reshape(100, 100)).ravel(), 5)
    assert np.array_equal(data.x[shown, 1:].argmax(axis=1), nearby[shown])


@pytest.mark.parametrize("spec", ["side=1", "mines=0.0", "hidden=1.0"])
def test_impossible_games(spec: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="minesweeper-grid needs"):
        registry.load(f"minesweeper-grid({spec})", cache_dir=tmp_path)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import registry
from bench.datasets.q_tips import SIDE, draw_image, nearest_edges, quadtree
from bench.errors import UsageError


def test_leaves_of_one_marked_pixel() -> None:
    image = np.zeros((SIDE, SIDE), np.int64)
    image[0, 0] = 3
    values, centres = quadtree(image)
    # 4 single pixels around the mark, then 3 blocks of each size 2, 4, 8, 16, 32 and 64
    assert len(values) == 4 + 3 * 6
    assert values[0] == 3
    assert values.sum() == 3
    assert centres[0].tolist() == [0.5 / SIDE, 0.5 / SIDE]
    # the largest block on the first row comes last there, with its centre at row 32 and column 96
    assert [0.25, 0.75] in centres.tolist()


def test_an_empty_image_is_four_leaves() -> None:
    values, centres = quadtree(np.zeros((SIDE, SIDE), np.int64))
    assert values.tolist() == [0, 0, 0, 0]
    assert centres.tolist() == [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]


def test_leaves_rebuild_the_image() -> None:
    _, image = draw_image(np.random.default_rng(5))
    values, centres = quadtree(image)
    inner = np.floor(centres * SIDE - 1e-9).astype(int)
    assert np.array_equal(image[inner[:, 0], inner[:, 1]], values)


def test_each_node_points_to_its_five_nearest_and_itself() -> None:
    centres = np.stack([np.arange(8.0) ** 2, np.zeros(8)], axis=1)
    edges = nearest_edges(centres)
    assert edges.shape == (2, 40)
    assert sorted(edges[1, edges[0] == 0].tolist()) == [0, 1, 2, 3, 4]
    assert sorted(edges[1, edges[0] == 7].tolist()) == [3, 4, 5, 6, 7]


def test_sizes_and_classes_are_those_of_the_specification(tmp_path: Path) -> None:
    data = registry.load("q-tips(graphs=110)", cache_dir=tmp_path)
    assert data.graph_ptr is not None
    sizes = np.diff(data.graph_ptr)
    # over 300 draws: mean 478 with deviation 71, so that 110 draws are within 478 +- 4 * 6.8
    assert abs(sizes.mean() - 478) < 28
    # five stored edges a node, one of which is the self-loop
    assert data.edges == 4 * data.nodes
    assert not data.undirected
    assert set(np.unique(data.x)) == {0, 1, 2, 3}
    assert data.classes == 4
    assert np.array_equal(np.asarray(data.y) == 0, data.x[:, 0] == 0)
    # every rod has one type
    for start, stop in zip(data.graph_ptr[:-1], data.graph_ptr[1:], strict=True):
        assert len(set(data.y[start:stop].tolist()) - {0}) == 1


def test_split_is_by_whole_graphs(tmp_path: Path) -> None:
    data = registry.load("q-tips(graphs=22)", cache_dir=tmp_path)
    assert data.graph_ptr is not None
    split = data.splits[0]
    assert split.train[0] == 0
    assert split.valid[0] == data.graph_ptr[18]
    assert split.test[0] == data.graph_ptr[20]
    assert len(split.train) + len(split.valid) + len(split.test) == data.nodes


def test_too_few_graphs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 11 graphs"):
        registry.load("q-tips(graphs=5)", cache_dir=tmp_path)

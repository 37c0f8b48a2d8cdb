from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.datasets import registry


def _write_masks(folder: Path, upstream: str, nodes: int) -> None:
    for number in range(10):
        part = np.random.default_rng(number).permutation(np.arange(nodes) % 5)
        masks = {"train_mask": part < 3, "val_mask": part == 3, "test_mask": part == 4}
        np.savez(
            folder / f"{upstream}_split_0.6_0.2_{number}.npz",
            **{name: mask.astype(np.uint8) for name, mask in masks.items()},  # type: ignore[arg-type]
        )


def test_actor_lists_the_columns_that_are_one(tmp_path: Path) -> None:
    folder = tmp_path / "actor/raw"
    folder.mkdir(parents=True)
    lines = [f"{node}\t{node % 3},{3 + node % 2}\t{node % 5}" for node in range(20)]
    (folder / "out1_node_feature_label.txt").write_text("node_id\tfeature\tlabel\n" + "\n".join(reversed(lines)) + "\n")
    # 0 -> 1 twice, 2 -> 1, a self-loop
    (folder / "out1_graph_edges.txt").write_text("node_id\tnode_id\n0\t1\n0\t1\n2\t1\n3\t3\n")
    _write_masks(folder, "film", 20)
    data = registry.load("actor", tmp_path, tmp_path / "cache", verify=False)
    assert (data.nodes, data.features, data.classes, len(data.splits)) == (20, 5, 5, 10)
    assert data.x[4].tolist() == [0, 1, 0, 1, 0]
    assert data.y.tolist() == [node % 5 for node in range(20)]
    assert data.indices[data.indptr[1] : data.indptr[2]].tolist() == [0, 2]
    assert (data.edges, data.undirected) == (4, True)
    stored = registry.load("actor(direction=stored)", tmp_path, tmp_path / "cache", verify=False)
    assert (stored.edges, stored.undirected) == (2, False)


def test_the_web_pages_write_out_whole_rows(real_data: Path, cache: Path) -> None:
    data = registry.load("texas(direction=stored)", real_data, cache)
    assert set(np.unique(data.x)) == {0.0, 1.0}
    assert not data.undirected
    # 325 distinct edges are published; those from a page to itself are left out
    edges = np.loadtxt(real_data / "webkb/texas/raw/out1_graph_edges.txt", dtype=int, skiprows=1)
    assert data.edges == len({tuple(edge) for edge in edges.tolist() if edge[0] != edge[1]})

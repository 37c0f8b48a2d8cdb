from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import registry
from bench.errors import DataError


def write_stand_in(path: Path, nodes: int, features: int, classes: int, edges: int, seed: int = 0) -> None:
    """A file of the published layout with random content: distinct edges from low to high, masks of 50/25/25 %."""
    generator = np.random.default_rng(seed)
    step = generator.permutation(np.arange(1, edges // nodes + 2))
    pairs = np.concatenate([np.stack([np.arange(nodes - s), np.arange(s, nodes)], axis=1) for s in step])[:edges]
    assert len(pairs) == edges
    part = np.stack([generator.permutation(np.arange(nodes) % 4) for _ in range(10)])
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        node_features=generator.standard_normal((nodes, features), dtype=np.float32),
        node_labels=np.arange(nodes) % classes,
        edges=pairs,
        train_masks=part < 2,
        val_masks=part == 2,
        test_masks=part == 3,
    )


@pytest.mark.parametrize(
    ("name", "nodes", "features", "classes", "edges", "metric"),
    [
        ("roman-empire", 22_662, 300, 18, 32_927, "accuracy"),
        ("questions", 48_921, 301, 2, 153_540, "roc_auc"),
        ("amazon-ratings", 24_492, 300, 5, 93_050, "accuracy"),
    ],
)
def test_stand_in_of_the_published_shape(
    name: str,
    nodes: int,
    features: int,
    classes: int,
    edges: int,
    metric: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stem = name.replace("-", "_")
    write_stand_in(tmp_path / f"heterophilous/{stem}/raw/{stem}.npz", nodes, features, classes, edges)
    with pytest.raises(DataError, match="git blob id"):
        registry.load(name, tmp_path, tmp_path / "cache")
    # the checksum of random content cannot be right, but every published count must be
    monkeypatch.setattr("bench.datasets.raw_files.mismatch", lambda *_: None)
    data = registry.load(name, tmp_path, tmp_path / "cache")
    assert (data.nodes, data.features, data.classes, data.edges) == (nodes, features, classes, 2 * edges)
    assert (data.metric, len(data.splits), data.substitute_for) == (metric, 10, None)


def test_stored_direction_has_each_edge_once(tmp_path: Path) -> None:
    write_stand_in(tmp_path / "heterophilous/questions/raw/questions.npz", 40, 3, 2, 60)
    stored = registry.load("questions(direction=stored)", tmp_path, tmp_path / "cache", verify=False)
    assert stored.name == "questions(direction=stored)"
    assert (stored.edges, stored.undirected) == (60, False)
    # edges run from the lower to the higher node, so that in-neighbours are lower
    receivers = np.repeat(np.arange(40), np.diff(stored.indptr))
    assert (stored.indices < receivers).all()
    assert registry.load("questions", tmp_path, tmp_path / "cache", verify=False).edges == 120

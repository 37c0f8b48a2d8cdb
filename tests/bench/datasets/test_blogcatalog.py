from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, save_npz

from bench.datasets import registry


def test_classes_are_numbered_from_one_and_nodes_in_any_order(tmp_path: Path) -> None:
    folder = tmp_path / "attributed/blogcatalog/raw"
    folder.mkdir(parents=True)
    save_npz(folder / "attrs.npz", csr_matrix(np.eye(20, 3, dtype=np.float32)))
    lines = [f"{node} {node % 2 + 1}" for node in range(20)]
    (folder / "labels.txt").write_text("\n".join(reversed(lines)))
    (folder / "edgelist.txt").write_text("0 1\n1 0\n2 5\n")
    data = registry.load("blogcatalog", tmp_path, tmp_path / "cache", verify=False)
    assert data.y.tolist() == [0, 1] * 10
    assert data.x[1].tolist() == [0, 1, 0]
    assert data.edges == 4

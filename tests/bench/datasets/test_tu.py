from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.datasets import registry


def test_molecules_numbered_from_one(tmp_path: Path) -> None:
    # twenty molecules of three atoms in a chain; labels -1 and 1; kinds of atoms 1 to 3, padded with blanks
    folder = tmp_path / "tu/MUTAG/raw"
    folder.mkdir(parents=True)
    first = 3 * np.arange(20) + 1
    edges = [pair for n in first for pair in ((n, n + 1), (n + 1, n), (n + 1, n + 2), (n + 2, n + 1))]
    tables = {
        "A": [f"{a}, {b}" for a, b in edges],
        "graph_indicator": [str(graph) for graph in np.repeat(np.arange(1, 21), 3)],
        "graph_labels": [str(2 * (graph % 2) - 1) for graph in range(20)],
        "node_labels": [f"{node % 3 + 1}  " for node in range(60)],
    }
    for table, lines in tables.items():
        (folder / f"MUTAG_{table}.txt").write_text("\n".join(lines) + "\n")
    data = registry.load("mutag", tmp_path, tmp_path / "cache", verify=False)
    assert (data.graphs, data.nodes, data.edges, data.level) == (20, 60, 80, "graph")
    assert data.y.tolist() == [0, 1] * 10
    assert data.x[:3].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert data.indices[data.indptr[4] : data.indptr[5]].tolist() == [3, 5]
    assert data.graph_ptr is not None
    assert data.graph_ptr.tolist() == list(range(0, 61, 3))
    assert data.edge_homophily is None


def test_sealed_hides_labels_of_graphs(real_data: Path, cache: Path) -> None:
    sealed = registry.load("proteins", real_data, cache).sealed(4)
    assert sealed.y.shape == (1_113,)
    assert np.array_equal(np.flatnonzero(sealed.y == -1), sealed.splits[0].test)

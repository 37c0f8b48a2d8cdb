from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import arxiv_structural, registry
from bench.datasets.arxiv_structural import spectral_features


def _two_cliques() -> np.ndarray:
    pairs = [(a, b) for a in range(5) for b in range(a)]
    return np.array([*pairs, *((a + 5, b + 5) for a, b in pairs)]).T


def test_two_cliques_and_a_lonely_node() -> None:
    x = spectral_features(_two_cliques(), 11, 2)
    assert x.dtype == np.float32
    # all nodes of a clique are alike, the two cliques are at right angles, and rows have mean square 1
    assert np.allclose(x[:5], x[0], atol=1e-5)
    assert np.allclose(x[5:10], x[5], atol=1e-5)
    assert abs(float(x[0] @ x[5])) < 1e-4
    assert np.allclose((x[:10] ** 2).mean(axis=1), 1, atol=1e-5)
    assert not x[10].any()
    assert np.array_equal(x, spectral_features(_two_cliques(), 11, 2))


def test_span_is_that_of_an_exact_decomposition() -> None:
    generator = np.random.default_rng(0)
    dense = np.triu(generator.random((60, 60)) < 0.2, 1)
    edges = np.argwhere(dense).T
    adjacency = (dense | dense.T).astype(float)
    scale = 1 / np.sqrt(adjacency.sum(axis=1))
    left, singular, _ = np.linalg.svd(scale[:, None] * adjacency * scale)
    # with all 60 directions nothing is truncated: rows of U S have the inner products of the squared matrix
    x = spectral_features(edges, 60, 60).astype(float)
    exact = (left * singular) @ (left * singular).T
    norm = np.sqrt(np.diag(exact))
    assert np.allclose(x @ x.T / 60, exact / np.outer(norm, norm), atol=1e-3)


def test_real_edges_labels_and_split(real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the decomposition takes half a minute, and the rest does not depend on it
    monkeypatch.setattr(arxiv_structural, "spectral_features", lambda _, nodes, f: np.ones((nodes, f), np.float32))
    data = registry.load("arxiv-structural", real_data, tmp_path)
    assert (data.nodes, data.edges, data.features, data.classes) == (169_343, 2_315_598, 128, 40)
    split = data.splits[0]
    assert (len(split.train), len(split.valid), len(split.test)) == (90_941, 29_799, 48_603)
    assert data.edge_homophily == pytest.approx(0.654, abs=5e-4)
    assert data.adjusted_homophily == pytest.approx(0.588, abs=5e-4)
    assert (data.name, data.substitute_for) == ("arxiv-structural", "ogbn-arxiv")

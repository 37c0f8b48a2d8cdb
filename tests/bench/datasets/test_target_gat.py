from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import registry
from bench.datasets.adjacency import to_csr
from bench.datasets.target_gat import random_graph, target_outputs
from bench.errors import UsageError


def test_every_pair_is_reachable_once() -> None:
    edges = random_graph(np.random.default_rng(0), 5, 0.999999)
    assert edges.T.tolist() == [[a, b] for a in range(5) for b in range(a + 1, 5)]


def test_number_of_edges() -> None:
    edges = random_graph(np.random.default_rng(0), 2000, 0.01)
    # 1,999,000 pairs, so 19,990 edges with deviation 141
    assert abs(edges.shape[1] - 19_990) < 600
    assert (edges[0] < edges[1]).all()
    assert edges.max() < 2000


def test_outputs_agree_with_pytorch_geometric() -> None:
    import torch
    from torch_geometric.nn import GATv2Conv

    generator = np.random.default_rng(1)
    edges = random_graph(generator, 30, 0.1)
    x = generator.standard_normal((30, 4))
    ours = target_outputs(np.random.default_rng(2), x, *to_csr(edges, 30), [3])
    same = np.random.default_rng(2)
    weight, attention = same.normal(0, np.sqrt(2 / 7), (4, 3)), same.normal(0, np.sqrt(2 / 4), 3)
    layer = GATv2Conv(4, 3, bias=False, share_weights=True, add_self_loops=False).double()
    with torch.no_grad():
        layer.lin_l.weight.copy_(torch.from_numpy(weight.T))
        layer.att.copy_(torch.from_numpy(attention).view(1, 1, 3))
        theirs = layer(torch.from_numpy(x), torch.from_numpy(np.concatenate([edges, edges[::-1]], axis=1)))
    assert np.allclose(ours, theirs.numpy(), atol=1e-10)


def test_a_draw_of_its_own(tmp_path: Path) -> None:
    data = registry.load("target-gat(nodes=1000,probability=0.003)", cache_dir=tmp_path)
    assert (data.nodes, data.features, data.classes, data.undirected) == (1000, 10, 2, True)
    counts = np.bincount(data.y)
    assert counts[0] >= counts[1] > 0
    # nodes without neighbours have output 0, so that they are all in one cluster
    assert len(set(data.y[np.diff(data.indptr) == 0].tolist())) == 1
    assert len(data.splits) == 10


@pytest.mark.parametrize("dials", ["nodes=10", "probability=1.0", "classes=1", "layers=0"])
def test_impossible_dials(dials: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="target-gat needs"):
        registry.load(f"target-gat({dials})", cache_dir=tmp_path)

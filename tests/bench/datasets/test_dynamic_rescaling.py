from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bench.datasets import registry


def test_layer_order_is_as_specified(real_data: Path, cache: Path) -> None:
    data = registry.load("layer-order", real_data, cache)
    y, split = np.asarray(data.y), data.splits[0]
    assert np.bincount(y).tolist() == [4568, 432]
    assert [int(y[part].sum()) for part in (split.train, split.valid, split.test)] == [209, 123, 100]
    lonely = np.diff(data.indptr) == 0
    assert lonely.sum() == 395
    assert not y[lonely].any()


def test_grokking_is_as_specified(real_data: Path, cache: Path) -> None:
    data = registry.load("grokking", real_data, cache)
    y, split = np.asarray(data.y), data.splits[0]
    assert np.bincount(y).tolist() == [84, 16]
    assert [int(y[part].sum()) for part in (split.train, split.valid, split.test)] == [10, 2, 4]
    assert int((np.diff(data.indptr) == 0).sum()) == 41


def test_layer_order_can_be_made_again(real_data: Path, cache: Path) -> None:
    """Edges, features and split are torch's draws from seed 0; the labels' network was not published."""
    from torch_geometric.utils import erdos_renyi_graph

    data = registry.load("layer-order", real_data, cache)
    torch.manual_seed(0)
    edges = erdos_renyi_graph(5_000, 0.0005)
    features = torch.randn(5_000, 10)
    order = torch.randperm(5_000).numpy()
    made = {(int(source), int(target)) for source, target in edges.t()}
    targets = np.repeat(np.arange(data.nodes), np.diff(data.indptr))
    assert made == set(zip(data.indices.tolist(), targets.tolist(), strict=True))
    np.testing.assert_allclose(data.x, features.numpy(), atol=1e-5)
    parts = (order[:2_500], order[2_500:3_750], order[3_750:])
    for expected, stored in zip(parts, (data.splits[0].train, data.splits[0].valid, data.splits[0].test), strict=True):
        assert sorted(expected.tolist()) == sorted(stored.tolist())

"""A stored graph gives what the same graph in memory gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from methods.adjacency import Adjacency
from methods.disk_array import DiskArray
from methods.graph import GraphView
from methods.stored_graph import StoredAdjacency, StoredGraph


@pytest.fixture
def pair(uneven: Adjacency, tmp_path: Path) -> tuple[GraphView, StoredGraph]:
    """The graph in memory and the same one on disk; every third node is for training."""

    def stored(name: str, array: np.ndarray) -> DiskArray:
        np.save(tmp_path / f"{name}.npy", array)
        return DiskArray.of(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))

    mask = torch.arange(60) % 3 == 0
    labels = torch.where(mask, torch.arange(60) % 4, -1)
    view = GraphView(torch.randn(60, 5), uneven, labels, mask)
    files = StoredAdjacency(stored("indptr", uneven.indptr.long().numpy()), stored("indices", uneven.indices.numpy()))
    graph = StoredGraph(
        stored("x", view.x.numpy()),
        files,
        stored("labels", labels.int().numpy()),
        stored("train", mask.nonzero().squeeze(1).numpy()),
        torch.device("cpu"),
    )
    return view, graph


def test_some_nodes_with_an_adjacency_of_their_own(pair: tuple[GraphView, StoredGraph], uneven: Adjacency) -> None:
    view, graph = pair
    nodes = torch.tensor([59, 0, 30, 7])
    here, there = graph.on(nodes, uneven.induced(nodes)), view.on(nodes, uneven.induced(nodes))
    for name in ("x", "y", "train_mask", "nodes"):
        assert torch.equal(getattr(here, name), getattr(there, name))
    assert graph.num_nodes == view.num_nodes


def test_rows_of_its_adjacency(pair: tuple[GraphView, StoredGraph], uneven: Adjacency) -> None:
    files, rows = pair[1].adjacency, torch.tensor([55, 0, 3, 3])
    for found, expected in zip(files.ranges(rows), uneven.ranges(rows), strict=True):
        assert torch.equal(found, expected)
    entries = uneven.entries_of(rows)[0]
    assert torch.equal(files.sources(entries), uneven.sources(entries))
    assert torch.equal(files.sums_of(rows), uneven.sums_of(rows))

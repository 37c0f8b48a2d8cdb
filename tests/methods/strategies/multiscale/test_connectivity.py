"""Coarse edges: walks of exactly p steps between chosen nodes (specification 9.1.3, 9.1.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.errors import MethodError
from methods.method import Method
from methods.strategies.multiscale import connectivity
from methods.strategies.multiscale.connectivity import between


def test_one_step_is_the_induced_subgraph_edge_by_edge(graphs) -> None:
    for seed in range(50):
        adjacency = graphs.random_adjacency(20, 60, seed % 2 == 0, seed)
        nodes = torch.randperm(20, generator=torch.Generator().manual_seed(seed))[:9]
        coarse = between(adjacency, nodes, 1)
        edges = set(zip(adjacency.row_of_entry().tolist(), adjacency.indices.tolist(), strict=True))
        ids = nodes.tolist()
        expected = {(i, j) for i in range(9) for j in range(9) if (ids[i], ids[j]) in edges}
        assert set(zip(coarse.row_of_entry().tolist(), coarse.indices.tolist(), strict=True)) == expected
        assert coarse.entries == len(expected)


@pytest.mark.parametrize("block", [2**23, 40])
@pytest.mark.parametrize("power", [2, 3, 4])
def test_p_steps_are_the_pattern_of_the_dense_power(graphs, monkeypatch, power: int, block: int) -> None:
    monkeypatch.setattr(connectivity, "_ENTRIES_AT_ONCE", block)
    for seed in range(8):
        adjacency = graphs.random_adjacency(60, 90, seed % 2 == 0, seed)
        nodes = torch.randperm(60, generator=torch.Generator().manual_seed(seed))[:30]
        coarse = between(adjacency, nodes, power)
        walks = torch.matrix_power(graphs.dense(adjacency), power)[nodes][:, nodes]
        assert torch.equal(graphs.dense(coarse), (walks > 0).double())
        assert coarse.symmetric == adjacency.symmetric and coarse.values is None


def test_closed_walks_give_self_loops(graphs) -> None:
    coarse = between(graphs.path_of(3), torch.tensor([0, 2]), 2)
    assert graphs.dense(coarse).tolist() == [[1, 1], [1, 1]]


def test_all_nodes_are_the_graph_itself_in_another_order(graphs) -> None:
    graph = graphs.view_of(graphs.random_adjacency(40, 120, True, 0))
    graph = replace(graph, x=graph.x.double())
    torch.manual_seed(0)
    model = Method.parse("gcn(layers=3,hidden=16,dropout=0.0)").build_backbone(graphs.posed(graph)).double().eval()
    nodes = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    view = graph.on(nodes, between(graph.adjacency, nodes, 1))
    assert torch.allclose(model(view), model(graph)[nodes], rtol=0, atol=1e-12)
    assert torch.equal(view.y, graph.y[nodes]) and torch.equal(view.train_mask, graph.train_mask[nodes])


def test_too_many_edges_and_no_steps_are_said(graphs, monkeypatch) -> None:
    adjacency = graphs.random_adjacency(30, 200, True, 0)
    monkeypatch.setattr(connectivity, "MOST_ENTRIES", 100)
    with pytest.raises(
        MethodError, match="power=3 gives a coarse graph of 20 nodes more than 100 edges; use a smaller"
    ):
        between(adjacency, torch.arange(20), 3)
    with pytest.raises(MethodError, match="power=0 is not possible"):
        between(adjacency, torch.arange(20), 0)

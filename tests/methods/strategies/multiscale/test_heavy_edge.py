"""Heavy-edge matching against its definition."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.graph import GraphView
from methods.strategies.multiscale import heavy_edge
from methods.strategies.multiscale.heavy_edge import heavy_edge_hierarchy


def clusters_of(graph: GraphView, levels: int, seed: int = 0) -> tuple[list[GraphView], list[torch.Tensor]]:
    """The hierarchy, and the memberships [nodes, coarse] of each level, read off one-hot features."""
    marked = replace(graph, x=torch.eye(graph.num_nodes, dtype=torch.float64))
    views = heavy_edge_hierarchy(marked, levels, 2.0, torch.Generator().manual_seed(seed))
    return views, [(view.x.T > 0).double() for view in views]


@pytest.mark.parametrize("symmetric", [True, False])
def test_levels_are_contractions_with_means_sums_and_majorities(graphs, symmetric: bool) -> None:
    graph = graphs.view_of(graphs.random_adjacency(80, 300, symmetric, 0))
    views, memberships = clusters_of(graph, 3)
    one_way = graphs.dense(graph.adjacency)
    both = one_way if symmetric else one_way + one_way.T
    for view, member, wanted in zip(views, memberships, (40, 20), strict=True):
        assert (member.sum(1) == 1).all() and view.num_nodes == wanted
        assert torch.allclose(view.x, (member / member.sum(0)).T)
        contracted = member.T @ both @ member
        contracted.fill_diagonal_(0)
        assert torch.equal(graphs.dense(view.adjacency), contracted)
        assert view.adjacency.symmetric
        for cluster in range(wanted):
            labels = graph.y[(member[:, cluster] > 0) & graph.train_mask]
            assert bool(view.train_mask[cluster]) == (labels.numel() > 0)
            assert int(view.y[cluster]) == (int(torch.bincount(labels).argmax()) if labels.numel() else -1)
    # the second level merges clusters of the first
    assert ((memberships[0].T @ memberships[1] > 0).sum(1) == 1).all()


def test_heavy_edges_are_contracted_first(graphs) -> None:
    path = graphs.path_of(4)
    rows, columns = path.row_of_entry(), path.indices.long()
    path.values = torch.where((rows + columns) == 3, 5.0, 1.0)  # the edge 1 - 2
    for seed in range(10):
        graph = graphs.view_of(path)
        _, (member,) = clusters_of(graph, 2, seed)
        assert member[1].equal(member[2])


def test_ties_are_broken_at_random(graphs) -> None:
    graph = graphs.view_of(graphs.path_of(3))
    partners = {tuple(clusters_of(graph, 2, seed)[1][0].argmax(1).tolist()) for seed in range(20)}
    assert len(partners) == 1  # 3 // 2 = 1 node
    wider = graphs.view_of(graphs.path_of(9))
    assert len({tuple(clusters_of(wider, 2, seed)[1][0].argmax(1).tolist()) for seed in range(20)}) > 1


def test_graphs_of_a_union_are_contracted_apart_to_their_own_sizes(graphs) -> None:
    union = graphs.union_of(graphs.random_adjacency(30, 120, True, 1), graphs.path_of(1), graphs.path_of(9))
    (view,), (member,) = clusters_of(union, 2)
    owner = union.graph_of_node()
    assert view.graph_ptr is not None
    assert (view.graph_ptr[1:] - view.graph_ptr[:-1]).tolist() == [15, 1, 4]
    assert torch.equal(view.graph_of_node()[member.argmax(1)], owner)


def test_a_star_stalls_and_stays_larger(graphs, monkeypatch) -> None:
    monkeypatch.setattr(heavy_edge, "_STALLED", 0.1)
    leaves, hub = torch.arange(1, 40), torch.zeros(39, dtype=torch.int64)
    star = Adjacency.from_edges(torch.cat([leaves, hub]), torch.cat([hub, leaves]), 40, symmetric=True)
    (view,), _ = clusters_of(graphs.view_of(star), 2)
    assert view.num_nodes == 39


def test_a_graph_without_edges_is_said(graphs) -> None:
    nothing = torch.empty(0, dtype=torch.int64)
    with pytest.raises(MethodError, match=r"heavy_edge finds no edge to contract at level 1 \(6 nodes\)"):
        clusters_of(graphs.view_of(Adjacency.from_edges(nothing, nothing, 6, symmetric=True)), 2)

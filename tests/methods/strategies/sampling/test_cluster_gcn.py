"""Cluster-GCN: clusters cover the graph, and the edges between clusters of one step are kept."""

from __future__ import annotations

import pytest
import torch

from methods.errors import MethodError
from methods.strategies.sampling.cluster_gcn import ClusterGCN


@pytest.mark.parametrize("partition", ["metis", "random"])
def test_an_epoch_sees_every_node_once_in_induced_subgraphs(random_graph, pose, epoch, partition) -> None:
    problem = pose(random_graph)
    strategy = ClusterGCN(parts=8, parts_per_step=3, partition=partition)
    strategy.prepare(problem)
    first, second = epoch(strategy, problem), epoch(strategy, problem)
    assert len(first) == 3
    for views in (first, second):
        assert sorted(torch.cat([view.nodes for view in views]).tolist()) == list(range(40))
    assert first[0].nodes.tolist() != second[0].nodes.tolist()
    for view in first:
        expected = random_graph.induced(view.nodes)
        assert torch.equal(view.adjacency.indices, expected.indices)
        assert view.adjacency.symmetric and view.adjacency.row_sums is None


def test_the_clusters_stay_and_only_their_company_changes(random_graph, pose, epoch) -> None:
    problem = pose(random_graph)
    strategy = ClusterGCN(parts=8, parts_per_step=1)
    strategy.prepare(problem)
    clusters = [{tuple(view.nodes.tolist()) for view in epoch(strategy, problem)} for _ in range(2)]
    assert clusters[0] == clusters[1]


def test_all_clusters_in_one_step_are_the_whole_graph(random_graph, pose, epoch) -> None:
    problem = pose(random_graph)
    strategy = ClusterGCN(parts=4, parts_per_step=9)
    strategy.prepare(problem)
    (view,) = epoch(strategy, problem)
    assert (view.num_nodes, view.num_edges) == (40, random_graph.entries)


def test_metis_cuts_fewer_edges_than_chance(random_graph, pose) -> None:
    cuts = []
    for partition in ("metis", "random"):
        strategy = ClusterGCN(parts=4, partition=partition)  # type: ignore[arg-type]
        strategy.prepare(pose(random_graph))
        cuts.append(strategy.facts()["edge_cut"])
    assert 0 < cuts[0] < 0.8 * cuts[1] < 1


def test_steps_without_a_training_label_are_skipped_and_counted(random_graph, pose, epoch) -> None:
    problem = pose(random_graph, torch.tensor([3]))
    strategy = ClusterGCN(parts=5, parts_per_step=1, partition="random")
    strategy.prepare(problem)
    (view,) = epoch(strategy, problem)
    assert view.train_mask.sum() == 1
    assert (strategy.facts()["skipped"], strategy.facts()["steps_per_epoch"]) == (4, 1.0)


def test_more_parts_than_nodes_are_refused(random_graph, pose) -> None:
    with pytest.raises(MethodError, match="a graph of 40 nodes cannot be cut into 41 parts; give at most parts=40"):
        ClusterGCN(parts=41).prepare(pose(random_graph))

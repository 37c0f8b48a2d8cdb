"""Random node batches: a new division of all nodes every epoch."""

from __future__ import annotations

import pytest
import torch

from methods.errors import MethodError
from methods.strategies.sampling.random_nodes import RandomNodes


def test_every_epoch_divides_all_nodes_anew(random_graph, pose, epoch) -> None:
    problem = pose(random_graph)
    strategy = RandomNodes(parts=3)
    strategy.prepare(problem)
    divisions = [epoch(strategy, problem) for _ in range(2)]
    for views in divisions:
        assert [view.num_nodes for view in views] == [14, 13, 13]
        assert sorted(torch.cat([view.nodes for view in views]).tolist()) == list(range(40))
        for view in views:
            inside = torch.isin(random_graph.row_of_entry(), view.nodes) & torch.isin(random_graph.indices, view.nodes)
            assert view.num_edges == int(inside.sum())
    assert set(divisions[0][0].nodes.tolist()) != set(divisions[1][0].nodes.tolist())


def test_parts_without_a_training_label_are_skipped_and_counted(random_graph, pose, epoch) -> None:
    problem = pose(random_graph, torch.tensor([3]))
    strategy = RandomNodes(parts=4)
    strategy.prepare(problem)
    assert len(epoch(strategy, problem)) == len(epoch(strategy, problem)) == 1
    assert strategy.facts()["skipped"] == 6


def test_more_parts_than_nodes_are_refused(random_graph, pose) -> None:
    with pytest.raises(MethodError, match="a graph of 40 nodes cannot be cut into 41 parts"):
        RandomNodes(parts=41).prepare(pose(random_graph))

"""Connected components."""

from __future__ import annotations

import pytest
import torch

from methods.adjacency import Adjacency
from methods.strategies.multiscale.components import connected_components


@pytest.mark.parametrize("symmetric", [True, False])
def test_components_are_those_of_reachability(graphs, symmetric: bool) -> None:
    for seed in range(10):
        adjacency = graphs.random_adjacency(40, 22, symmetric, seed)
        linked = graphs.dense(adjacency)
        reached = torch.matrix_power(torch.eye(40).double() + linked + linked.T, 40) > 0
        assert torch.equal(connected_components(adjacency), reached.long().argmax(1))


def test_a_long_shuffled_path_is_one_component(graphs) -> None:
    shuffled = torch.randperm(5000, generator=torch.Generator().manual_seed(0))
    path = Adjacency.from_edges(shuffled[:-1], shuffled[1:], 5000)
    assert not connected_components(path).any()

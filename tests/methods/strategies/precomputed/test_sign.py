"""SIGN: the features of all distances side by side, and a network that is built for their width."""

from __future__ import annotations

import torch

from methods.method import Method
from methods.strategies.precomputed.sgc import SGC
from methods.strategies.precomputed.sign import SIGN


def test_blocks_are_the_features_of_each_distance(random_graph, pose) -> None:
    strategy = SIGN(hops=3)
    prepared = strategy.prepare(pose(random_graph))
    assert prepared.graph.x.shape == (40, 20) and strategy.facts()["feature_width"] == 20
    blocks = prepared.graph.x.split(5, dim=1)
    assert torch.equal(blocks[0], pose(random_graph).graph.x)
    for hops, block in enumerate(blocks[1:], start=1):
        assert torch.allclose(block, SGC(hops=hops).prepare(pose(random_graph)).graph.x, atol=1e-6)
    assert prepared.graph.num_edges == 0


def test_the_network_is_built_for_the_width(random_graph, pose, epoch) -> None:
    strategy = SIGN(hops=2, batch_size=16)
    problem = strategy.prepare(pose(random_graph))
    network = Method.parse("mlp(hidden=8)").build_backbone(problem)
    assert {network(view).shape[1] for view in epoch(strategy, problem)} == {3}

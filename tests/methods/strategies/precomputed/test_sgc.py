"""SGC: features by the explicit formula, no edges left, mini-batches of training nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.method import Method
from methods.strategies.precomputed.sgc import SGC


def dense_operator(adjacency: Adjacency) -> torch.Tensor:
    matrix = torch.eye(adjacency.rows)
    matrix[adjacency.row_of_entry(), adjacency.indices.long()] = 1
    root = matrix.sum(1) ** -0.5
    return root[:, None] * matrix * root


@pytest.mark.parametrize("hops", [1, 3])
def test_features_are_the_power_of_the_operator_times_x(random_graph, pose, hops) -> None:
    problem = pose(random_graph)
    before = problem.graph.x.clone()
    prepared = SGC(hops=hops).prepare(problem)
    expected = torch.linalg.matrix_power(dense_operator(random_graph), hops) @ before
    assert torch.allclose(prepared.graph.x, expected, atol=1e-6)
    assert torch.equal(problem.graph.x, before)
    assert (prepared.graph.num_edges, problem.graph.num_edges) == (0, random_graph.entries)
    assert torch.equal(prepared.graph.y, problem.graph.y)


def test_one_step_of_all_training_nodes_or_batches_of_them(random_graph, pose, epoch) -> None:
    train = torch.arange(0, 40, 2)
    for batch_size, sizes in ((None, [20]), (6, [6, 6, 6, 2]), (99, [20])):
        strategy = SGC(batch_size=batch_size)
        problem = strategy.prepare(pose(random_graph, train))
        views = epoch(strategy, problem)
        assert [view.num_nodes for view in views] == sizes
        nodes = torch.cat([view.nodes for view in views])
        assert sorted(nodes.tolist()) == train.tolist()
        for view in views:
            assert view.num_edges == 0 and view.train_mask.all()
            assert torch.equal(view.x, problem.graph.x[view.nodes])
        assert strategy.facts()["feature_width"] == 5


@pytest.mark.parametrize("backbone", ["gcn", "sage", "gat(heads=2)", "gin", "mlp"])
def test_networks_say_the_same_of_a_node_in_a_batch_and_in_the_graph(random_graph, pose, epoch, backbone) -> None:
    strategy = SGC(batch_size=7)
    problem = strategy.prepare(pose(random_graph))
    model = Method.parse(backbone.replace("(", "(hidden=8,") if "(" in backbone else f"{backbone}(hidden=8)")
    network = model.build_backbone(problem).eval()
    whole = network(problem.graph)
    for view in epoch(strategy, problem):
        assert torch.allclose(network(view), whole[view.nodes], atol=1e-5)


def test_gcn_on_it_is_a_network_of_linear_layers(random_graph, pose) -> None:
    problem = SGC().prepare(pose(random_graph))
    network = Method.parse("gcn(layers=1)").build_backbone(problem)
    weight, bias = (dict(network.named_parameters())[f"body.convolutions.0.{name}"] for name in ("weight", "bias"))
    assert torch.allclose(network(problem.graph), problem.graph.x @ weight.t() + bias, atol=1e-6)


def test_integer_coded_features_are_refused(random_graph, pose) -> None:
    with pytest.raises(MethodError, match="the features are 2 integer-coded categories, whose averages mean nothing"):
        SGC().prepare(replace(pose(random_graph), categories=(3, 4)))

"""What holds for every strategy on one graph: random numbers, poor graphs, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem
from methods.strategies.one_view import OneView

STRATEGIES = (
    "neighbor_sampling(batch_size=7,neighbors=2)",
    "labor(batch_size=7,neighbors=2)",
    "cluster_gcn(parts=1)",
    "cluster_gcn(parts=1,partition=random)",
    "random_nodes(parts=1)",
    "graph_saint(sampler=node,size=20)",
    "graph_saint(sampler=edge,size=20)",
    "graph_saint(sampler=walk,size=20)",
    "sgc(batch_size=9)",
    "sign",
)


def build(name: str) -> OneView:
    return Method.parse(f"gcn+{name}").build("strategy")


def contents(view: GraphView) -> list[torch.Tensor | None]:
    adjacency = view.adjacency
    return [
        view.x,
        view.train_mask,
        view.label_weights,
        view.nodes,
        adjacency.indptr,
        adjacency.indices,
        adjacency.values,
    ]


def run(name: str, problem: Problem, epoch) -> tuple[OneView, Problem, list[GraphView]]:
    strategy = build(name)
    prepared = strategy.prepare(problem)
    return strategy, prepared, [view for _ in range(3) for view in epoch(strategy, prepared)]


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_seed_gives_the_same_views_and_torch_s_own_numbers_stay(random_graph, pose, epoch, name) -> None:
    name = name.replace("parts=1", "parts=6")
    torch.manual_seed(0)
    before = torch.get_rng_state()
    drawn = [run(name, pose(random_graph, seed=seed), epoch)[2] for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    for left, right in zip(drawn[0], drawn[1], strict=True):
        for mine, other in zip(contents(left), contents(right), strict=True):
            assert mine is other is None or torch.equal(mine, other)
    nodes = [torch.cat([view.nodes for view in views]).tolist() for views in drawn]
    assert nodes[0] != nodes[2] or name == "sign"  # which draws nothing


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_problem_is_left_as_it_is(random_graph, pose, epoch, name) -> None:
    problem, untouched = pose(random_graph, torch.arange(20)), pose(random_graph, torch.arange(20))
    run(name, problem, epoch)
    for mine, other in zip(contents(problem.graph), contents(untouched.graph), strict=True):
        assert mine is other is None or torch.equal(mine, other)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("case", ["one node", "no edges", "isolated nodes", "self-loops only", "one label"])
def test_poor_graphs_give_finite_gradients_or_a_sentence(random_graph, pose, epoch, name, case) -> None:
    def loops(nodes: int) -> Adjacency:
        return Adjacency.from_edges(torch.arange(nodes), torch.arange(nodes), nodes, symmetric=True)

    empty = torch.empty(0, dtype=torch.int64)
    adjacency = {
        "one node": Adjacency.from_edges(empty, empty, 1, symmetric=True),
        "no edges": Adjacency.from_edges(empty, empty, 12, symmetric=True),
        "isolated nodes": random_graph.induced(torch.arange(30, 40)),
        "self-loops only": loops(12),
        "one label": random_graph,
    }[case]
    problem = pose(adjacency, torch.tensor([0]) if case == "one label" else None)
    try:
        _, problem, views = run(name, problem, epoch)
    except MethodError as error:
        assert case in ("one node", "no edges") and "without edges; use graph_saint(sampler=node)" in str(error)
        return
    assert views
    for backbone in ("gcn", "sage", "gat(heads=2)"):
        model = Method.parse(backbone.replace("(", "(hidden=8,") if "(" in backbone else f"{backbone}(hidden=8)")
        network = model.build_backbone(problem)
        for view in views:
            loss = problem.loss(network(view), view)
            loss.backward()
            assert loss.isfinite() and view.train_mask.any()
        assert all(part.grad is None or part.grad.isfinite().all() for part in network.parameters())


@pytest.mark.parametrize("name", STRATEGIES)
def test_sets_of_graphs_and_graphs_without_labels_are_refused(random_graph, pose, name) -> None:
    problem = pose(random_graph)
    many = replace(problem, graph=replace(problem.graph, graph_ptr=torch.tensor([0, 15, 40])))
    with pytest.raises(MethodError, match="draws from one graph, but the data is a set of 2 graphs; use full_batch"):
        build(name).prepare(many)
    with pytest.raises(MethodError, match="none of the graph's 40 nodes has a training label"):
        build(name).prepare(pose(random_graph, torch.empty(0, dtype=torch.int64)))

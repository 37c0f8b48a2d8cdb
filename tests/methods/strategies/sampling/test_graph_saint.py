"""GraphSAINT: probabilities of being drawn, and unbiased messages and losses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.errors import MethodError
from methods.strategies.sampling.graph_saint import GraphSAINT
from methods.strategies.sampling.saint_samplers import counted, edge_sampler, node_sampler, walk_sampler

SAMPLERS = ("node", "edge", "walk")


def frequencies(adjacency: Adjacency, draw, draws: int) -> tuple[Tensor, Tensor]:
    """Shares of the draws that hold each node, and both ends of each entry."""
    generator, rows, columns = torch.Generator().manual_seed(1), adjacency.row_of_entry(), adjacency.indices.long()
    nodes, entries = torch.zeros(adjacency.rows), torch.zeros(adjacency.entries)
    for _ in range(draws):
        inside = torch.zeros(adjacency.rows)
        inside[draw(generator)] = 1
        nodes += inside
        entries += inside[rows] * inside[columns]
    return nodes / draws, entries / draws


def within(frequency: Tensor, chance: Tensor, draws: int) -> bool:
    return bool(((frequency - chance).abs() <= 4.5 * (chance * (1 - chance) / draws).sqrt() + 1e-12).all())


@pytest.mark.parametrize("make", [node_sampler, edge_sampler])
@pytest.mark.parametrize("graph", ["random_graph", "uneven"])
def test_chances_are_exact(request, make, graph) -> None:
    adjacency = request.getfixturevalue(graph)
    draw, inclusion = make(adjacency, 8)
    nodes, entries = frequencies(adjacency, draw, 4000)
    assert within(nodes, inclusion.nodes, 4000) and within(entries, inclusion.entries, 4000)


def test_one_draw_has_the_published_distribution(random_graph) -> None:
    dense = torch.zeros(40, 40, dtype=torch.float64)
    dense[random_graph.row_of_entry(), random_graph.indices.long()] = 1
    dense += torch.eye(40)
    root = dense.sum(1) ** -0.5
    norms = (root[:, None] * dense * root).square().sum(0)
    assert torch.allclose(node_sampler(random_graph, 1)[1].nodes, norms / norms.sum())
    degrees = random_graph.degrees().double()
    chances = 1 / degrees[random_graph.row_of_entry()] + 1 / degrees[random_graph.indices.long()]
    # an edge stands in both rows
    assert torch.allclose(edge_sampler(random_graph, 1)[1].entries, 2 * chances / chances.sum())


def test_walks_go_along_edges_and_rest_where_there_is_none(directed) -> None:
    draw, generator = walk_sampler(directed, roots=1, length=3), torch.Generator().manual_seed(0)
    # node 3 hears 1, which hears 0 and 2, which hear nobody
    seen = {tuple(draw(generator).tolist()) for _ in range(200)}
    assert seen == {(0,), (2,), (0, 1), (1, 2), (0, 1, 3), (1, 2, 3)}


def test_counting_reaches_its_coverage_and_the_truth(random_graph) -> None:
    draw = walk_sampler(random_graph, roots=4, length=2)
    inclusion, subgraphs = counted(random_graph, draw, 500, torch.Generator().manual_seed(0))
    assert float(inclusion.nodes.sum()) * subgraphs >= 500 * 40
    nodes, entries = frequencies(random_graph, draw, 4000)
    for frequency, chance in ((nodes, inclusion.nodes), (entries, inclusion.entries)):
        error = (frequency - chance).abs()
        assert (error <= 4.5 * (chance * (1 - chance) * (1 / 4000 + 1 / subgraphs)).sqrt()).all()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_messages_and_loss_are_unbiased(random_graph, pose, far_from, sampler) -> None:
    problem = pose(random_graph, torch.arange(4, 36))
    strategy = GraphSAINT(sampler=sampler, size=15, coverage=1200)
    strategy.prepare(problem)
    logits, truth = torch.randn(40, 3, generator=torch.Generator().manual_seed(2)), problem.graph
    losses, means = [], [[] for _ in range(40)]
    while len(losses) < 500:
        for view in strategy.views(problem):
            losses.append(problem.loss(logits[view.nodes], view))
            received = aggregate(view.adjacency.normalized("symmetric", True), view.x)
            for place, node in enumerate(view.nodes.tolist()):
                means[node].append(received[place])
    assert strategy.facts()["redraws"] == 0  # or the loss would be biased
    # weights that were counted err by themselves, by less than the draws do
    assert far_from(losses, problem.loss(logits, truth)) < 4
    expected = aggregate(random_graph.normalized("symmetric", True), truth.x)
    for node, received in enumerate(means):
        assert len(received) > 40 or (sampler == "edge" and random_graph.degrees()[node] == 0)
        if received:
            assert far_from(received, expected[node]) < 5


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_drawing_everything_is_full_batch(random_graph, pose, epoch, sampler) -> None:
    alone = random_graph.induced(torch.arange(36))
    problem = pose(alone)
    strategy = GraphSAINT(sampler=sampler, size=30_000, coverage=3)
    strategy.prepare(problem)
    (view,) = epoch(strategy, problem)
    assert view.num_nodes == 36
    assert torch.allclose(view.adjacency.values, torch.ones(alone.entries), atol=1e-4)
    assert torch.allclose(view.label_weights, torch.full((36,), 1 / 36), rtol=1e-4)


def test_an_epoch_sees_about_as_many_nodes_as_there_are(random_graph, pose, epoch) -> None:
    problem = pose(random_graph)
    for sampler in SAMPLERS:
        strategy = GraphSAINT(sampler=sampler, size=10)  # type: ignore[arg-type]
        strategy.prepare(problem)
        seen = [sum(view.num_nodes for view in epoch(strategy, problem)) for _ in range(30)]
        assert 36 <= sum(seen) / 30 <= 60


def test_draws_without_a_label_are_repeated_and_counted(random_graph, pose, epoch) -> None:
    problem = pose(random_graph, torch.tensor([38]))
    strategy = GraphSAINT(sampler="node", size=4)
    strategy.prepare(problem)
    views = epoch(strategy, problem)
    assert all(view.train_mask.sum() == 1 for view in views)
    assert strategy.facts()["redraws"] > 0


def test_labels_that_edges_cannot_reach(random_graph, pose, epoch) -> None:
    problem = pose(random_graph, torch.tensor([0, 1, 38]))
    strategy = GraphSAINT(sampler="edge", size=4)
    strategy.prepare(problem)
    assert strategy.facts()["unreachable_training_nodes"] == 1
    assert all(view.label_weights.isfinite().all() for view in epoch(strategy, problem))
    with pytest.raises(MethodError, match="all 1 training nodes are such; use graph_saint"):
        GraphSAINT(sampler="edge").prepare(pose(random_graph, torch.tensor([38])))


@pytest.mark.parametrize("sampler", ["edge", "walk"])
def test_a_graph_without_edges_is_refused(pose, sampler) -> None:
    empty = Adjacency(torch.zeros(5, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 4, symmetric=True)
    with pytest.raises(MethodError, match=rf"graph_saint\(sampler={sampler}\) cannot draw from a graph without edges"):
        GraphSAINT(sampler=sampler).prepare(pose(empty))

"""LABOR: unbiased, as many neighbours as expected, and fewer nodes than independent neighbours."""

from __future__ import annotations

import pytest
import torch

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.strategies.sampling.layer_sampling import LayerNeighborSampling, draw_layer, numbers_of
from methods.strategies.sampling.neighbor_sampling import NeighborSampling


def test_each_entry_is_drawn_with_its_chance(uneven: Adjacency) -> None:
    rows = torch.tensor([0, 55, 7, 3])
    degrees, generator, counts = uneven.degrees()[rows], torch.Generator().manual_seed(0), torch.zeros(uneven.entries)
    owners, draws = uneven.row_of_entry(), 2000
    for _ in range(draws):
        drawn = draw_layer(uneven, rows, 6, generator)
        counts[drawn.entries] += 1
        assert torch.equal(owners[drawn.entries], torch.repeat_interleave(rows, drawn.sizes))
    entries, _ = uneven.entries_of(rows)
    chances = torch.repeat_interleave((6 / degrees).clamp(max=1), degrees)
    assert drawn.factors.tolist() == pytest.approx((1 / (6 / degrees).clamp(max=1)).tolist())
    error = (counts[entries] / draws - chances).abs()
    assert (error <= 4.5 * (chances * (1 - chances) / draws).sqrt()).all()
    assert counts.sum() == counts[entries].sum()


def test_the_operator_is_estimated_without_bias(random_graph, pose, epoch, far_from) -> None:
    problem = pose(random_graph)
    strategy = LayerNeighborSampling(neighbors=3, hops=1)
    strategy.prepare(problem)
    draws = []
    for _ in range(300):
        (view,) = epoch(strategy, problem)
        draws.append(aggregate(view.adjacency.normalized("symmetric", True), view.x)[view.nodes.argsort()])
    assert far_from(draws, aggregate(random_graph.normalized("symmetric", True), problem.graph.x)) < 4.5


def test_with_enough_neighbours_every_edge_is_there(random_graph, pose, epoch) -> None:
    problem = pose(random_graph)
    strategy = LayerNeighborSampling(neighbors=40)
    strategy.prepare(problem)
    (view,) = epoch(strategy, problem)
    assert (view.num_nodes, view.num_edges) == (40, random_graph.entries)
    assert (view.adjacency.values == 1).all()


def test_rows_that_share_neighbours_agree_on_them(pose, epoch) -> None:
    # 30 nodes that all hear the same 200
    targets, sources = torch.arange(30).repeat_interleave(200), torch.arange(30, 230).repeat(30)
    shared = Adjacency.from_edges(sources, targets, 230)
    problem = pose(shared, torch.arange(30), hops=1)
    met = []
    for strategy in (LayerNeighborSampling(neighbors=5), NeighborSampling(neighbors=5)):
        strategy.prepare(problem)
        met.append(sum(view.num_nodes - 30 for _ in range(40) for view in epoch(strategy, problem)) / 40)
    assert met[0] == pytest.approx(5, abs=1.5)  # Poisson-like, standard error 0.35
    assert met[1] > 80


def test_a_node_s_number_is_the_same_wherever_it_is_met_and_another_under_another_key() -> None:
    nodes = torch.arange(200_000)
    numbers, others = numbers_of(nodes, key=7), numbers_of(nodes, key=8)
    assert torch.equal(numbers_of(nodes.flip(0), key=7), numbers.flip(0))
    assert numbers.min() >= 0 and numbers.max() < 1
    # standard errors of a mean, a variance and a correlation of this many uniform numbers, times five
    assert float(numbers.mean()) == pytest.approx(1 / 2, abs=5 * (1 / 12 / 200_000) ** 0.5)
    assert float(numbers.var()) == pytest.approx(1 / 12, abs=5 * (1 / 180 / 200_000) ** 0.5)
    for other in (others, numbers.roll(1), numbers_of(nodes + 2**40, key=7)):
        assert abs(float(torch.corrcoef(torch.stack([numbers, other]))[0, 1])) < 5 / 200_000**0.5


def test_numbers_are_splitmix64_s() -> None:
    # the first outputs of the reference implementation from the state 1234567
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    found = numbers_of(torch.arange(3), key=1234567)
    assert found.tolist() == pytest.approx([word / 2**64 for word in expected], abs=2**-24)

"""LABOR: unbiased, as many neighbours as expected, and fewer nodes than independent neighbours."""

from __future__ import annotations

import pytest
import torch

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.strategies.sampling.layer_sampling import LayerNeighborSampling, draw_layer
from methods.strategies.sampling.neighbor_sampling import NeighborSampling


def test_each_entry_is_drawn_with_its_chance(uneven: Adjacency) -> None:
    rows = torch.tensor([0, 55, 7, 3])
    degrees, generator, counts = uneven.degrees()[rows], torch.Generator().manual_seed(0), torch.zeros(uneven.entries)
    for _ in range(4000):
        drawn = draw_layer(uneven, rows, 6, generator)
        counts[drawn.entries] += 1
        assert uneven.row_of_entry()[drawn.entries].tolist() == torch.repeat_interleave(rows, drawn.sizes).tolist()
    entries, _ = uneven.entries_of(rows)
    chances = torch.repeat_interleave((6 / degrees).clamp(max=1), degrees)
    assert drawn.factors.tolist() == pytest.approx((1 / (6 / degrees).clamp(max=1)).tolist())
    error = (counts[entries] / 4000 - chances).abs()
    assert (error <= 4.5 * (chances * (1 - chances) / 4000).sqrt()).all()
    assert counts.sum() == counts[entries].sum()


def test_the_operator_is_estimated_without_bias(random_graph, pose, epoch, far_from) -> None:
    problem = pose(random_graph)
    strategy = LayerNeighborSampling(neighbors=3, hops=1)
    strategy.prepare(problem)
    draws = []
    for _ in range(600):
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

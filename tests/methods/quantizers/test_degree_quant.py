"""Degree-Quant: whom it protects, percentiles, gradients."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.adjacency import Adjacency
from methods.errors import SpecError
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem
from methods.quantizers.degree_quant import DegreeQuant, PercentileSite, degree_ranks


@pytest.fixture
def star() -> GraphView:
    """Node 0 hears from 1 to 4, node 1 from 0 and 2, the others from node 0."""
    sources = torch.tensor([1, 2, 3, 4, 0, 2, 0, 0, 0])
    targets = torch.tensor([0, 0, 0, 0, 1, 1, 2, 3, 4])
    labels = torch.zeros(5, dtype=torch.int64)
    return GraphView(torch.randn(5, 2), Adjacency.from_edges(sources, targets, 5), labels, labels == 0)


def test_ranks_are_the_share_of_nodes_with_no_larger_degree(star: GraphView) -> None:
    torch.testing.assert_close(degree_ranks(star), torch.tensor([1.0, 0.8, 0.6, 0.6, 0.6]))


def test_the_more_neighbours_the_more_often_a_node_is_protected(star: GraphView) -> None:
    torch.manual_seed(0)
    quantizer = DegreeQuant(protect=0.1, change=0.5)
    masks = torch.stack([quantizer.exempt_nodes(star) for _ in range(4000)]).float()
    expected = 0.1 + 0.5 * torch.tensor([1.0, 0.8, 0.6, 0.6, 0.6])
    assert float((masks.mean(0) - expected).abs().max()) < 4 * 0.5 / 4000**0.5


def test_protected_nodes_keep_full_precision_in_training_only(posed: Problem) -> None:
    spec = "gcn(layers=1)+degree_quant(bits=2,protect=1.0,change=0.0,weight_bits=32)"
    method = Method.parse(spec)
    network = method.build_backbone(posed)
    model = method.build("quantizer").apply(network, posed)
    exact = network(posed.graph)
    torch.testing.assert_close(model.train()(posed.graph), exact)
    assert (model.eval()(posed.graph) - exact).abs().max().item() > 1e-3


def test_a_graph_without_nodes_has_no_ranks(star: GraphView) -> None:
    empty = replace(star, x=star.x[:0], adjacency=star.adjacency.induced(torch.empty(0, dtype=torch.int64)))
    assert degree_ranks(empty).shape == (0,)


@pytest.mark.parametrize(("bits", "skipped"), [(8, 1), (4, 10), (2, 10)])
def test_outliers_are_cut_off(bits: int, skipped: int) -> None:
    x = torch.arange(-500.0, 500.0)[torch.randperm(1000)].view(200, 5)
    site = PercentileSite(x, bits, moving=False, clipped=True)
    assert (float(site.minimum), float(site.maximum)) == (-500 + skipped - 1, 499 - skipped + 1)


def test_protected_rows_do_not_count_for_the_range() -> None:
    x = torch.tensor([[1.0], [2.0], [99.0]])
    site = PercentileSite(x[:2], 8, moving=False, clipped=True).train()
    site(x, torch.tensor([False, False, True]))
    assert float(site.maximum) == 2
    site(x, torch.tensor([True, True, True]))
    assert float(site.maximum) == 2


def test_ranges_widen_or_move_slowly() -> None:
    first, second = torch.tensor([[-4.0, 2.0]]), torch.tensor([[-2.0, 4.0]])
    widest = PercentileSite(first, 8, moving=False, clipped=True).train()
    moving = PercentileSite(first, 8, moving=True, clipped=True).train()
    for site in (widest, moving):
        site(second)
    assert (float(widest.minimum), float(widest.maximum)) == (-4, 4)
    torch.testing.assert_close(torch.stack([moving.minimum, moving.maximum]), torch.tensor([-3.98, 2.02]))


@pytest.mark.parametrize(("clipped", "passes"), [(True, [0, 1, 1, 0, 0]), (False, [1, 1, 1, 1, 1])])
def test_gradients_stop_at_both_ends_of_the_grid(clipped: bool, passes: list[int]) -> None:
    x = torch.tensor([[-1.0, 0.0, 0.9, 2.1, 5.0]])
    site = PercentileSite(torch.tensor([[-1.0, 2.0]]), 2, moving=False, clipped=clipped).eval()
    x.requires_grad_()
    site(x).sum().backward()
    assert x.grad.flatten().tolist() == passes


def test_chances_above_one_are_refused() -> None:
    with pytest.raises(SpecError, match="their sum is a probability"):
        DegreeQuant(protect=0.95, change=0.1)

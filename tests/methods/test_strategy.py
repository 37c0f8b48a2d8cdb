"""A step is a signed sum of views."""

from __future__ import annotations

import torch

from methods.adjacency import Adjacency
from methods.backbones.gcn import GCN
from methods.graph import GraphView
from methods.problem import Problem
from methods.strategy import Term


def view_of(nodes: int, seed: int) -> GraphView:
    generator = torch.Generator().manual_seed(seed)
    sources = torch.arange(nodes)
    return GraphView(
        x=torch.randn(nodes, 3, generator=generator),
        adjacency=Adjacency.from_edges(sources, sources.roll(1), nodes),
        y=torch.randint(2, (nodes,), generator=generator),
        train_mask=torch.ones(nodes, dtype=torch.bool),
    )


def test_terms_of_both_signs_accumulate_the_gradient_of_their_sum() -> None:
    fine, coarse = view_of(12, 0), view_of(5, 1)
    problem = Problem(fine, "multiclass", 2, torch.Generator())
    model = GCN(3, 2, layers=2, hidden=4, dropout=0.0)
    for term in (Term(1.0, fine), Term(-1.0, coarse), Term(1.0, coarse)):
        (term.weight * problem.loss(model(term.view), term.view)).backward()
    accumulated = [parameter.grad for parameter in model.parameters()]
    # the coarse terms cancel
    expected = torch.autograd.grad(problem.loss(model(fine), fine), list(model.parameters()))
    for ours, theirs in zip(accumulated, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    model.zero_grad()
    for term in (Term(1.0, fine), Term(-1.0, coarse)):
        (term.weight * problem.loss(model(term.view), term.view)).backward()
    difference = problem.loss(model(fine), fine) - problem.loss(model(coarse), coarse)
    for parameter, theirs in zip(
        model.parameters(), torch.autograd.grad(difference, list(model.parameters())), strict=True
    ):
        torch.testing.assert_close(parameter.grad, theirs, atol=1e-6, rtol=1e-5)

"""Widths that training chooses: the relaxed tensor, its cost, and the choice."""

from __future__ import annotations

import pytest
import torch

from methods.method import Method
from methods.problem import Problem
from methods.quantizers.mixq import ChosenWidthSite, MixQ


def site_of(x: torch.Tensor, choice: list[float] | None = None, **settings) -> ChosenWidthSite:
    site = ChosenWidthSite(x, "input", MixQ(**settings))
    if choice is not None:
        site.choice.data = torch.tensor(choice, dtype=x.dtype)
    return site


def test_widths_start_as_the_authors_weigh_them(draws) -> None:
    site = site_of(draws())
    expected = torch.tensor([2.0, 4.0, 8.0], dtype=torch.float64).softmax(0).softmax(0)
    torch.testing.assert_close(site.choice.detach(), expected)
    assert [candidate.bits for candidate in site_of(draws(), smallest_bits=4).candidates] == [4, 8]


def test_the_search_sees_a_mean_of_roundings_and_pays_for_bits(draws) -> None:
    x, gradient = draws(), draws(1)
    site = site_of(x, [0.3, 0.1, -0.2], cost_weight=0.7).train()
    site(x.clone().requires_grad_()).backward(gradient)
    shares = site.choice.detach().softmax(0)
    rounded = torch.stack([candidate.eval()(x).detach() for candidate in site.candidates])
    choice = site.choice.detach().requires_grad_()
    mean_bits = (choice.softmax(0) * torch.tensor([2, 4, 8])).sum()
    loss = (choice.softmax(0).view(3, 1, 1) * rounded * gradient).sum() + 0.7 * mean_bits * x.numel() / 8192
    (expected,) = torch.autograd.grad(loss, choice)
    torch.testing.assert_close(site.choice.grad, expected)
    torch.testing.assert_close(site.train()(x).detach(), (shares.view(3, 1, 1) * rounded).sum(0))
    assert all(candidate.step.grad is not None for candidate in site.candidates)


def test_the_widest_number_is_taken_alone_to_predict_and_after_the_search(draws) -> None:
    x = draws()
    site = site_of(x, [0.1, 0.9, 0.2], search=2)
    alone = site.candidates[1].eval()(x).detach()
    assert torch.equal(site.eval()(x).detach(), alone)
    site.train()
    for _ in range(2):
        assert not torch.equal(site(x).detach(), alone)
    assert torch.equal(site(x).detach(), alone)
    assert site.stored_bits() == 4 and site.grid() == site.candidates[1].grid()
    site.choice.grad = None
    site(x.requires_grad_()).sum().backward()
    assert site.choice.grad is None, "nothing moves the choice any more"


@pytest.mark.parametrize(("cost_weight", "bits"), [(1000.0, {2}), (-1000.0, {8})])
def test_the_price_of_bits_decides(posed: Problem, cost_weight: float, bits: set[int]) -> None:
    torch.manual_seed(0)
    method = Method.parse(
        f"gcn(layers=2,hidden=8,dropout=0.0)+mixq(search=40,choice_rate=0.1,cost_weight={cost_weight})"
    )
    model = method.build("quantizer").apply(method.build_backbone(posed), posed)
    groups = [{key: value for key, value in group.items() if value is not None} for group in model.parameter_groups()]
    assert [group.get("lr") for group in groups] == [None, 0.1, 1e-3]
    optimizer = torch.optim.Adam(groups)
    for _ in range(45):
        optimizer.zero_grad()
        posed.loss(model.train()(posed.graph), posed.graph).backward()
        optimizer.step()
    assert set(model.bits().values()) == bits

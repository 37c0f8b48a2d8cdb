"""Binary products: two values a row, and the gradients of the released code."""

from __future__ import annotations

import torch

from methods.method import Method
from methods.problem import Problem
from methods.quantizers.bi_gcn import BinaryInputSite, BinaryWeightSite


def test_inputs_are_normalised_signs_of_their_row(draws) -> None:
    x = draws().float()
    site = BinaryInputSite(x)
    normed = (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()
    signs = torch.where(normed >= 0, 1.0, -1.0)
    torch.testing.assert_close(site.train()(x), signs * normed.abs().mean(1, keepdim=True))
    x.requires_grad_()
    inner = normed.clone().requires_grad_()
    site.norm = torch.nn.Identity()
    site(inner).backward(torch.ones_like(inner))
    assert torch.equal(inner.grad, (normed.abs() <= 1).float())


def test_evaluation_uses_running_statistics_from_the_first_tensor_on(draws) -> None:
    x = draws().float()
    site = BinaryInputSite(x).eval()
    assert torch.equal(site(x[:3]), site(x)[:3])
    assert site(x).sign().unique().tolist() == [-1, 1]


def test_a_row_alone_is_normalised_by_what_was_seen(draws) -> None:
    x = draws().float()
    site = BinaryInputSite(x)
    assert torch.equal(site.train()(x[:1]), site.eval()(x[:1]))
    assert torch.isfinite(BinaryInputSite(x[:1]).train()(x[:1])).all()
    assert site(x[:0]).shape == (0, 5)


def test_weights_and_their_gradient(draws) -> None:
    weight, gradient = draws().requires_grad_(), draws(1)
    values = BinaryWeightSite()(weight)
    size = weight.detach().abs().mean(1, keepdim=True)
    sign = torch.where(weight.detach() >= 0, 1.0, -1.0).double()
    torch.testing.assert_close(values.detach(), sign * size)
    values.backward(gradient)
    by_hand = torch.zeros_like(gradient)
    for row in range(40):
        shared = sum(float(gradient[row, k] * sign[row, k]) for k in range(5)) / 5
        for column in range(5):
            passes = abs(float(weight.detach()[row, column])) <= 1
            by_hand[row, column] = gradient[row, column] * size[row, 0] * passes + sign[row, column] * shared
    torch.testing.assert_close(weight.grad, by_hand)


def test_only_products_are_binary(posed: Problem) -> None:
    method = Method.parse("gcn(layers=2,hidden=8)+bi_gcn")
    quantizer = method.build("quantizer")
    model = quantizer.apply(method.build_backbone(posed), posed)
    expected = {f"linear{number}.{role}": 1 for number in (0, 1) for role in ("input", "weight")}
    assert model.bits() == expected
    assert quantizer.facts()["simulated"]

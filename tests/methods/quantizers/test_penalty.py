"""A penalty joins the gradient of the loss and leaves values alone."""

from __future__ import annotations

import torch

from methods.quantizers.penalty import penalised


def test_gradients_are_those_of_the_sum() -> None:
    x, width = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor(3.0, requires_grad=True)
    out = penalised(2 * x, width.square())
    assert out.tolist() == [2, 4]
    (5 * out.sum()).backward()
    assert x.grad.tolist() == [10, 10]
    assert width.grad.item() == 6, "the loss's own weight does not scale it"


def test_what_follows_may_work_in_place() -> None:
    x, width = torch.ones(2, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    penalised(2 * x, 4 * width).add_(1.0).sum().backward()
    assert (x.grad.tolist(), width.grad.item()) == ([2, 2], 4)

"""Learned steps: initial value, codes, gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from methods.lowbit.grid import Grid
from methods.quantizers.lsq import LSQ


def site_of(x: Tensor, bits: int, role: str = "input"):
    return LSQ().make_site(x, bits, role)  # type: ignore[arg-type]


def test_a_tensor_without_negative_entries_uses_all_codes_above_zero() -> None:
    x = torch.tensor([[1.0, 3.0]])
    site = site_of(x, 2)
    # 2 mean|x| / sqrt(Q_P) with Q_P = 3
    assert float(site.step) == pytest.approx(4 / math.sqrt(3))
    assert site.grid() == Grid(float(site.step), 0, 2)
    signed = site_of(-x, 2)
    assert float(signed.step) == pytest.approx(4.0)  # Q_P = 1
    assert signed.grid() == Grid(4.0, 2, 2)


def test_signed_codes_reach_one_further_down() -> None:
    site = site_of(torch.tensor([[-1.0, 1.0]]), 2)
    site.step.data.fill_(1.0)
    assert site(torch.tensor([[-9.0, -1.4, 0.4, 9.0]])).tolist() == [[-2, -1, 0, 1]]


@pytest.mark.parametrize(("role", "count"), [("weight", 200), ("input", 5)])
def test_the_gradient_of_the_step(draws, role: str, count: int) -> None:
    x = draws().requires_grad_()
    site = site_of(x, 4, role)
    gradient, step = draws(1), float(site.step)
    site(x).backward(gradient)
    by_hand, passed = 0.0, torch.zeros_like(x)
    for place in range(x.numel()):
        value, upstream = float(x.flatten()[place]), float(gradient.flatten()[place])
        scaled = value / step
        inside = -8 <= scaled <= 7
        by_hand += upstream * (round(scaled) - scaled if inside else (-8 if scaled < 0 else 7))
        passed.view(-1)[place] = upstream * inside
    assert 0 < int((passed == 0).sum()) < x.numel(), "some entries must be clipped and some not"
    assert float(site.step.grad) == pytest.approx(by_hand / math.sqrt(count * 7), rel=1e-9)
    assert torch.equal(x.grad, passed)


def test_a_step_below_zero_does_not_break_the_grid() -> None:
    x = torch.tensor([[-1.0, 1.0]])
    site = site_of(x, 2)
    site.step.data.fill_(-0.1)
    assert bool(torch.isfinite(site(x)).all())


@pytest.mark.parametrize("x", [torch.zeros(3, 2), torch.empty(0, 2)])
def test_a_tensor_that_says_nothing_gives_step_one(x: Tensor) -> None:
    site = site_of(x, 4)
    assert float(site.step) == 1
    assert torch.equal(site(x), x)

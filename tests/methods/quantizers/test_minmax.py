"""Min-max training: straight-through gradients, and ranges that follow or only widen."""

from __future__ import annotations

import torch

from methods.quantizers.minmax import MinMax


def test_gradients_ignore_rounding(draws) -> None:
    x = draws().requires_grad_()
    site = MinMax(bits=2).make_site(x, 2, "input").train()
    gradient = draws(1)
    site(x).backward(gradient)
    assert torch.equal(x.grad, gradient)


def test_ranges_follow_the_tensor_or_only_widen() -> None:
    wide, narrow = torch.tensor([[-4.0, 2.0]]), torch.tensor([[-1.0, 3.0]])
    ends = {}
    for ranges in ("current", "running"):
        site = MinMax(ranges=ranges).make_site(wide, 8, "input").train()  # type: ignore[arg-type]
        site(narrow)
        ends[ranges] = float(site.minimum), float(site.maximum)
    assert ends == {"current": (-1, 3), "running": (-4, 3)}

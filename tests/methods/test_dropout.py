"""Dropout by counter-based random bits: the right rate, fresh masks, exact gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from methods.dropout import dropout, relu_dropout

SIZE = 200_000


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_rate_is_met_and_the_rest_is_scaled(rate: float) -> None:
    torch.manual_seed(0)
    out = dropout(torch.ones(SIZE), rate, training=True)
    kept = out != 0
    # four standard deviations of a binomial share
    assert abs(float(kept.float().mean()) - (1 - rate)) < 4 * math.sqrt(rate * (1 - rate) / SIZE)
    torch.testing.assert_close(out[kept], torch.full((int(kept.sum()),), 1 / (1 - rate)))


def test_the_expectation_is_kept() -> None:
    torch.manual_seed(0)
    x = torch.randn(50)
    mean = torch.stack([dropout(x, 0.5, training=True) for _ in range(4_000)]).mean(0)
    # the standard deviation of one entry's mean is |x| / sqrt(4000)
    assert bool(((mean - x).abs() <= 5 * x.abs() / math.sqrt(4_000)).all())


def test_neighbouring_entries_are_independent() -> None:
    torch.manual_seed(0)
    kept = (dropout(torch.ones(SIZE), 0.5, training=True) > 0).float()
    for lag in (1, 2, 256, 1 << 15):
        both = float((kept[lag:] * kept[:-lag]).mean())
        assert abs(both - 0.25) < 0.01


@pytest.mark.parametrize("function", [dropout, relu_dropout])
def test_masks_differ_between_calls_and_follow_the_seed(function) -> None:
    torch.manual_seed(7)
    first, second = (function(torch.ones(1_000), 0.5, training=True) for _ in range(2))
    assert not torch.equal(first, second)
    torch.manual_seed(7)
    assert torch.equal(first, function(torch.ones(1_000), 0.5, training=True))


@pytest.mark.parametrize(("rate", "training"), [(0.0, True), (0.5, False)])
def test_nothing_is_dropped_without_rate_or_training(rate: float, training: bool) -> None:
    x = torch.tensor([-1.0, 2.0])
    state = torch.get_rng_state()
    assert dropout(x, rate, training) is x
    assert relu_dropout(x.clone(), rate, training).tolist() == [0, 2]
    assert torch.equal(torch.get_rng_state(), state)


def test_gradient_of_dropout_passes_through_the_same_mask() -> None:
    x = torch.randn(40, 50, requires_grad=True)
    out = dropout(x, 0.5, training=True)
    weights = torch.randn(40, 50)
    (gradient,) = torch.autograd.grad((out * weights).sum(), x)
    torch.testing.assert_close(gradient, 2 * weights * (out != 0))


def with_relu_dropout(x: Tensor) -> tuple[Tensor, Tensor]:
    """Output and the mask behind it; x is made by an operation whose result may be overwritten."""
    torch.manual_seed(3)
    out = relu_dropout(x + 0, 0.5, training=True)
    torch.manual_seed(3)
    mask = relu_dropout(torch.ones_like(x), 0.5, training=True)
    return out, mask


def test_relu_dropout_is_dropout_of_relu() -> None:
    x = torch.randn(40, 50, requires_grad=True)
    out, mask = with_relu_dropout(x)
    torch.testing.assert_close(out, torch.relu(x.detach()) * mask)
    assert set(mask.unique().tolist()) == {0.0, 2.0}


def test_gradient_of_relu_dropout() -> None:
    x = torch.randn(40, 50, requires_grad=True)
    out, mask = with_relu_dropout(x)
    weights = torch.randn(40, 50)
    (ours,) = torch.autograd.grad((out * weights).sum(), x)
    (theirs,) = torch.autograd.grad((torch.relu(x) * mask * weights).sum(), x)
    torch.testing.assert_close(ours, theirs)


def test_relu_dropout_writes_in_place() -> None:
    x = torch.randn(1_000)
    assert relu_dropout(x, 0.5, training=True).data_ptr() == x.data_ptr()


def test_overwriting_what_backward_needs_is_an_error() -> None:
    x = torch.randn(10, requires_grad=True)
    needed = x.exp()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        relu_dropout(needed, 0.5, training=True).sum().backward()


def test_a_nan_stays_a_nan() -> None:
    x = torch.full((1_000,), float("nan"))
    assert bool(dropout(x, 0.5, training=True).isnan().any())
    out = relu_dropout(x.clone(), 0.5, training=True)
    assert bool(out.isnan().any()) and bool((out.isnan() | (out == 0)).all())


@pytest.mark.parametrize("x", [torch.ones(100, dtype=torch.float64), torch.ones(10, 10, 2)[:, :, 0]])
def test_other_types_and_layouts_use_torch(x: Tensor) -> None:
    for function in (dropout, relu_dropout):
        out = function(x, 0.5, training=True)
        assert out.dtype == x.dtype and out.shape == x.shape
        assert set(out.unique().tolist()) == {0.0, 2.0}

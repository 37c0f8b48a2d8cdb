"""The fused attention kernels against `attend_by_edges`, which they must equal in values and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.aggregate import attend, attend_by_edges

SHAPES = [(8, 32), (1, 40), (3, 5), (2, 8), (4, 33), (1, 1)]
"""Heads and channels: the usual ones, and some that fill no vector register."""


def inputs(adjacency: Adjacency, heads: int, channels: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(heads * 100 + channels)
    shapes = ((adjacency.columns, heads), (adjacency.rows, heads), (adjacency.columns, heads, channels))
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def gradients(out: Tensor, given: list[Tensor]) -> tuple[Tensor, ...]:
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(9))
    return torch.autograd.grad((out * weights).sum(), given)


@pytest.mark.parametrize(("heads", "channels"), SHAPES)
def test_values_and_gradients_equal_those_by_edges(uneven: Adjacency, heads: int, channels: int) -> None:
    given = inputs(uneven, heads, channels)
    fused, plain = attend(uneven, *given), attend_by_edges(uneven, *given)
    torch.testing.assert_close(fused, plain, atol=1e-5, rtol=1e-5)
    assert bool((fused[50:] == 0).all()), "rows without entries give zeros"
    for ours, theirs in zip(gradients(fused, given), gradients(plain, given), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_a_rectangle() -> None:
    matrix = Adjacency(torch.tensor([0, 2, 2, 5]), torch.tensor([1, 4, 0, 2, 4]), columns=5)
    given = inputs(matrix, 2, 6)
    fused, plain = attend(matrix, *given), attend_by_edges(matrix, *given)
    torch.testing.assert_close(fused, plain, atol=1e-5, rtol=1e-5)
    for ours, theirs in zip(gradients(fused, given), gradients(plain, given), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_tensors_that_are_not_contiguous(uneven: Adjacency) -> None:
    sources, targets, messages = inputs(uneven, 2, 6)
    crooked = [sources.detach().T.contiguous().T, targets.detach(), messages.detach().transpose(1, 2).contiguous()]
    crooked[2] = crooked[2].transpose(1, 2)
    crooked = [tensor.requires_grad_() for tensor in crooked]
    out = attend(uneven, *crooked)
    torch.testing.assert_close(out, attend(uneven, sources, targets, messages))
    expected = gradients(attend(uneven, sources, targets, messages), [sources, targets, messages])
    for ours, theirs in zip(gradients(out, crooked), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_backward_drops_what_forward_dropped(uneven: Adjacency) -> None:
    """With distinct unit messages the kept weights can be read off the output; the gradient must see the same."""
    sources, targets, _ = (tensor.detach() for tensor in inputs(uneven, 1, 1))
    messages = torch.eye(60).view(60, 1, 60).requires_grad_()
    torch.manual_seed(4)
    out = attend(uneven, sources, targets, messages, dropout=0.5)
    kept = out.detach().view(60, 60)
    full = attend(uneven, sources, targets, messages.detach()).view(60, 60)
    entries = full > 0
    assert 0.4 < float((kept[entries] > 0).float().mean()) < 0.6
    torch.testing.assert_close(kept[kept > 0], 2 * full[kept > 0])
    # d sum(out * w) / d messages[u, c] = sum_v kept[v, u] * w[v, c]
    weights = torch.randn(60, 60)
    (gradient,) = torch.autograd.grad((out.view(60, 60) * weights).sum(), messages)
    torch.testing.assert_close(gradient.view(60, 60), kept.T @ weights, atol=1e-5, rtol=1e-5)


def test_gradients_of_scores_under_dropout(uneven: Adjacency) -> None:
    """Against autograd through a softmax times the mask that the forward pass used."""
    sources, targets, _ = inputs(uneven, 1, 1)
    messages = torch.eye(60).view(60, 1, 60)
    torch.manual_seed(5)
    out = attend(uneven, sources, targets, messages, dropout=0.3)
    mask = (out.detach().view(60, 60) > 0) / 0.7
    plain = attend_by_edges(uneven, sources, targets, messages).view(60, 60) * mask
    torch.testing.assert_close(out.view(60, 60), plain, atol=1e-5, rtol=1e-5)
    weights = torch.randn(60, 60)
    ours = torch.autograd.grad((out.view(60, 60) * weights).sum(), [sources, targets])
    theirs = torch.autograd.grad((plain * weights).sum(), [sources, targets])
    for left, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(left, right, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_nan_is_not_hidden(directed: Adjacency, where: int) -> None:
    given = [tensor.detach() for tensor in inputs(directed, 2, 8)]
    given[where][1] = float("nan")
    out = attend(directed, *given)
    assert bool(out.isnan().any())
    # node 3 hears only node 1; node 1 is the target whose own score is nan
    assert bool(out[1 if where == 1 else 3].isnan().all())


def test_float64_is_computed_by_edges(directed: Adjacency) -> None:
    given = [tensor.double() for tensor in inputs(directed, 2, 3)]
    assert attend(directed, *given).dtype == torch.float64

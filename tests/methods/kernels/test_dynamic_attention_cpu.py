"""The fused kernels of GATv2's attention against `attend_dynamic_by_edges` in float64, values and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.aggregate import attend, attend_dynamic, attend_dynamic_by_edges

SHAPES = [(8, 32), (8, 8), (1, 10), (1, 64), (3, 5), (4, 33), (1, 1)]
"""Heads and channels: the usual ones, and some that fill no vector register."""


def inputs(adjacency: Adjacency, heads: int, channels: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(heads * 100 + channels)
    shapes = ((adjacency.columns, heads, channels), (adjacency.rows, heads, channels), (heads, channels))
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def exact(given: list[Tensor]) -> list[Tensor]:
    return [tensor.detach().double().requires_grad_() for tensor in given]


def gradients(out: Tensor, given: list[Tensor]) -> tuple[Tensor, ...]:
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(9)).to(out.dtype)
    return torch.autograd.grad((out * weights).sum(), given)


def assert_equal(fused: Tensor, given: list[Tensor], plain: Tensor, given_plain: list[Tensor]) -> None:
    torch.testing.assert_close(fused.double(), plain, atol=1e-5, rtol=1e-5)
    for ours, theirs in zip(gradients(fused, given), gradients(plain, given_plain), strict=True):
        torch.testing.assert_close(ours.double(), theirs, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize(("heads", "channels"), SHAPES)
def test_values_and_gradients_equal_those_by_edges(uneven: Adjacency, heads: int, channels: int) -> None:
    given = inputs(uneven, heads, channels)
    fused, doubled = attend_dynamic(uneven, *given), exact(given)
    assert_equal(fused, given, attend_dynamic_by_edges(uneven, *doubled), doubled)
    assert bool((fused[50:] == 0).all()), "rows without entries give zeros"


@pytest.mark.parametrize(("heads", "channels"), SHAPES[:3])
def test_one_tensor_for_both_ends(uneven: Adjacency, heads: int, channels: int) -> None:
    nodes, _, attention = inputs(uneven, heads, channels)
    given = [nodes, attention]
    doubled = exact(given)
    plain = attend_dynamic_by_edges(uneven, doubled[0], doubled[0], doubled[1])
    assert_equal(attend_dynamic(uneven, nodes, nodes, attention), given, plain, doubled)


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.5])
def test_every_slope(uneven: Adjacency, slope: float) -> None:
    given = inputs(uneven, 2, 9)
    doubled = exact(given)
    plain = attend_dynamic_by_edges(uneven, *doubled, negative_slope=slope)
    assert_equal(attend_dynamic(uneven, *given, negative_slope=slope), given, plain, doubled)


def test_a_rectangle() -> None:
    matrix = Adjacency(torch.tensor([0, 2, 2, 5]), torch.tensor([1, 4, 0, 2, 4]), columns=5)
    given = inputs(matrix, 2, 6)
    doubled = exact(given)
    assert_equal(attend_dynamic(matrix, *given), given, attend_dynamic_by_edges(matrix, *doubled), doubled)


def test_a_graph_without_edges() -> None:
    empty = Adjacency(torch.zeros(4, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 3)
    given = inputs(empty, 2, 6)
    out = attend_dynamic(empty, *given)
    for zeros in (out, *gradients(out, given)):
        assert not zeros.any()


def test_tensors_that_are_not_contiguous(uneven: Adjacency) -> None:
    given = inputs(uneven, 2, 6)
    crooked = [tensor.detach().mT.contiguous().mT.requires_grad_() for tensor in given]
    assert not any(tensor.is_contiguous() for tensor in crooked)
    straight, out = attend_dynamic(uneven, *given), attend_dynamic(uneven, *crooked)
    torch.testing.assert_close(out, straight)
    for ours, theirs in zip(gradients(out, crooked), gradients(straight, given), strict=True):
        torch.testing.assert_close(ours, theirs)


def mask(adjacency: Adjacency, heads: int, rate: float, seed: int) -> Tensor:
    """Which edges a seed keeps, [rows, columns, heads]: without attention every kept one gives its unit vector."""
    units = torch.eye(adjacency.columns).unsqueeze(1).expand(-1, heads, -1)
    torch.manual_seed(seed)
    blind = torch.zeros(heads, adjacency.columns)
    out = attend_dynamic(adjacency, units, torch.zeros(adjacency.rows, *blind.shape), blind, dropout=rate)
    return (out > 0).transpose(1, 2)


def dense(adjacency: Adjacency, given: list[Tensor], factors: Tensor) -> Tensor:
    """The attention with every weight multiplied by `factors` [rows, columns, heads] after the softmax."""
    sources, targets, attention = given
    inner = torch.nn.functional.leaky_relu(sources.unsqueeze(0) + targets.unsqueeze(1), 0.2)
    edges = (adjacency.sparse_tensor().to_dense() > 0).unsqueeze(2)
    weights = torch.softmax((inner * attention).sum(-1).masked_fill(~edges, float("-inf")), 1).nan_to_num(0.0)
    return torch.einsum("vuh,uhc->vhc", weights * factors, sources)


@pytest.mark.parametrize(("heads", "channels"), [(1, 10), (3, 8)])
def test_backward_drops_what_forward_dropped(uneven: Adjacency, heads: int, channels: int) -> None:
    kept = mask(uneven, heads, rate=0.3, seed=4)
    entries = uneven.sparse_tensor().to_dense() > 0
    assert not kept[~entries].any()
    assert 0.6 < float(kept[entries].float().mean()) < 0.8
    given = inputs(uneven, heads, channels)
    torch.manual_seed(4)
    fused, doubled = attend_dynamic(uneven, *given, dropout=0.3), exact(given)
    assert_equal(fused, given, dense(uneven, doubled, kept / 0.7), doubled)


def test_the_mask_is_that_of_gat(uneven: Adjacency) -> None:
    torch.manual_seed(4)
    units = torch.eye(60).unsqueeze(1).expand(60, 3, 60)
    out = attend(uneven, torch.zeros(60, 3), torch.zeros(60, 3), units, dropout=0.3)
    assert torch.equal((out > 0).transpose(1, 2), mask(uneven, 3, rate=0.3, seed=4))


def test_heads_and_calls_draw_masks_of_their_own(uneven: Adjacency) -> None:
    kept = mask(uneven, 2, rate=0.5, seed=1)
    assert not torch.equal(kept[..., 0], kept[..., 1])
    assert not torch.equal(kept, mask(uneven, 2, rate=0.5, seed=2))


def test_one_seed_gives_the_same_bits(uneven: Adjacency) -> None:
    given = inputs(uneven, 4, 20)

    def step() -> tuple[Tensor, ...]:
        torch.manual_seed(7)
        out = attend_dynamic(uneven, *given, dropout=0.2)
        return out.detach(), *gradients(out, given)

    for first, second in zip(step(), step(), strict=True):
        assert torch.equal(first, second)


@pytest.mark.parametrize("where", [0, 1])
def test_a_nan_is_not_hidden(directed: Adjacency, where: int) -> None:
    given = [tensor.detach() for tensor in inputs(directed, 2, 8)]
    given[where][1] = float("nan")
    out = attend_dynamic(directed, *given)
    # node 3 hears only node 1; node 1 is the target whose own vector is nan
    assert bool(out[1 if where == 1 else 3].isnan().all())


def test_float64_is_computed_by_edges(directed: Adjacency) -> None:
    given = exact(inputs(directed, 2, 3))
    assert torch.equal(attend_dynamic(directed, *given), attend_dynamic_by_edges(directed, *given))

"""Grids as tensors, and what a site does with hard inputs."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from methods.lowbit.grid import Grid
from methods.quantizers.site import Affine, RangeSite, sampled_rows

BITS = [2, 4, 8]


def site_of(x: Tensor, bits: int) -> RangeSite:
    return RangeSite(x, bits).eval()


@pytest.mark.parametrize("bits", BITS)
def test_rounding_moves_a_value_by_half_a_step_at_most(draws, bits: int) -> None:
    x = draws()
    site = site_of(x, bits)
    grid = site.affine()
    low, high = grid.ends()
    inside = (x >= low) & (x <= high)
    out = site(x)
    assert float((out - x)[inside].abs().max()) <= float(grid.step) / 2 * (1 + 1e-12)
    assert torch.equal(out[x > high], high.expand_as(out[x > high]))


def test_values_beyond_the_range_become_its_ends(draws) -> None:
    site = site_of(draws(), 4)
    low, high = site.affine().ends()
    assert site(torch.tensor([[-50.0, 50.0]], dtype=torch.float64)).tolist() == [[float(low), float(high)]]


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("shift", [-3.0, 0.0, 3.0])
def test_zero_stays_zero_and_rounding_twice_is_rounding_once(draws, bits: int, shift: float) -> None:
    x = draws() + shift  # ranges on either side of zero, and around it
    site = site_of(x, bits)
    assert float(site(x.new_zeros(1, 1))) == 0
    assert torch.equal(site(site(x)), site(x))


@pytest.mark.parametrize("bits", BITS)
def test_no_more_values_than_codes(draws, bits: int) -> None:
    x = torch.cat([draws(seed) for seed in range(20)])
    assert 1 < site_of(x, bits)(x).unique().numel() <= 2**bits


def test_the_grid_by_hand() -> None:
    # range [-1, 2], 2 bits: step 1, zero 1
    site = site_of(torch.tensor([[-1.0, 2.0]]), 2)
    assert site.grid() == Grid(1.0, 1, 2)
    assert site(torch.tensor([[-0.6, 0.4, 0.6, 1.7, 9.0]])).tolist() == [[-1, 0, 1, 2, 2]]


@pytest.mark.parametrize("bits", BITS)
def test_the_exported_grid_gives_the_same_values(draws, bits: int) -> None:
    x = draws().float()
    site = site_of(x, bits)
    grid = site.grid()
    torch.testing.assert_close(grid.dequantize(grid.quantize(x)), site(x))


@pytest.mark.parametrize(("value", "expected"), [(0.0, 0.0), (3.0, 3.0), (-3.0, -3.0), (1e-30, 0.0)])
def test_a_tensor_of_equal_entries(value: float, expected: float) -> None:
    x = torch.full((4, 3), value)
    assert site_of(x, 2)(x).unique().tolist() == [expected]


def test_an_all_zero_tensor_has_step_one() -> None:
    grid = Affine.of_range(torch.zeros(()), torch.zeros(()), 3)
    assert (float(grid.step), float(grid.zero)) == (1, 0)


def test_an_empty_tensor_leaves_the_range_alone() -> None:
    site = RangeSite(torch.tensor([[-1.0, 2.0]]), 2).train()
    assert site(torch.empty(0, 2)).shape == (0, 2)
    assert (float(site.minimum), float(site.maximum)) == (-1, 2)
    first = RangeSite(torch.empty(0, 2), 2)
    assert first(torch.empty(0, 2)).shape == (0, 2)


def test_nan_stays_nan() -> None:
    x = torch.tensor([[math.nan, 1.0]])
    assert bool(site_of(torch.tensor([[-1.0, 2.0]]), 2)(x).isnan()[0, 0])


def test_evaluation_uses_the_last_range_of_training() -> None:
    site = RangeSite(torch.tensor([[-1.0, 1.0]]), 8).train()
    site(torch.tensor([[-1.0, 2.0]]))
    site.eval()(torch.tensor([[-100.0, 100.0]]))
    assert (float(site.minimum), float(site.maximum)) == (-1, 2)
    twin = RangeSite(torch.zeros(1, 1), 8)
    twin.load_state_dict(site.state_dict())
    assert twin.grid() == site.grid()


def test_exempt_rows_keep_their_values_and_gradients(draws) -> None:
    x = draws().requires_grad_()
    exempt = torch.arange(40) % 2 == 0
    out = site_of(x, 2)(x, exempt)
    assert torch.equal(out[exempt], x[exempt])
    assert not torch.equal(out[~exempt], x[~exempt])
    out.sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))


def test_what_follows_may_work_in_place(draws) -> None:
    x = draws().requires_grad_()
    site_of(x, 4)(x).add_(1.0).mul_(2.0).sum().backward()
    assert torch.equal(x.grad, torch.full_like(x, 2.0))


def test_a_sample_is_spread_over_all_rows() -> None:
    x = torch.arange(1000.0).view(100, 10)
    sample = sampled_rows(x, 105)
    assert sample[:, 0].tolist() == list(range(0, 1000, 100))
    assert torch.equal(sampled_rows(x, 1000), x)
    assert sampled_rows(x[:0], 5).shape == (0, 10)

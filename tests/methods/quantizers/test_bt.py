"""Bitwise truncation: its values, its levels, its shift."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from methods.quantizers.bt import BT, BTStar, SkewedSite, skewness

BITS = [2, 4, 8]


def in_two_roundings(x: Tensor, low: float, high: float, bits: int, shift: int = 0) -> Tensor:
    """The definition: round to 8 bits, shift, round to multiples of 255 / (2^bits - 1), both clamped."""
    step = (high - low) / 255
    zero = round(-low / step)
    stride = 255 // (2**bits - 1)
    fine = (x / step + zero).round().clamp(0, 255)
    return step * ((stride * ((fine + shift) / stride).round()).clamp(0, 255) - zero)


@pytest.mark.parametrize("bits", BITS)
def test_one_rounding_is_two_roundings(draws, bits: int) -> None:
    x = torch.cat([draws(seed) for seed in range(10)])
    site = BT(bits=bits).make_site(x, bits, "input").eval()
    site.alpha.data.fill_(0.9)
    expected = in_two_roundings(x, 0.9 * float(x.min()), 0.9 * float(x.max()), bits)
    torch.testing.assert_close(site(x), expected)


@pytest.mark.parametrize("shift", [-60, -5, 0, 5, 60])
@pytest.mark.parametrize("bits", BITS)
def test_shifted_values_are_of_the_grid_and_never_too_many(draws, bits: int, shift: int) -> None:
    x = torch.cat([draws(seed) for seed in range(10)])
    site = BTStar(bits=bits).make_site(x, bits, "input").eval()
    assert isinstance(site, SkewedSite)
    site.alpha.data.fill_(1.0)
    site.shift.fill_(shift)
    out = site(x)
    torch.testing.assert_close(out, in_two_roundings(x, float(x.min()), float(x.max()), bits, shift))
    assert out.unique().numel() <= 2**bits
    grid = site.grid()
    torch.testing.assert_close(grid.dequantize(grid.quantize(x), torch.float64), out.detach())


@pytest.mark.parametrize("bits", BITS)
def test_how_far_a_value_moves(draws, bits: int) -> None:
    x = draws()
    site = BT(bits=bits).make_site(x, bits, "input").eval()
    site.alpha.data.fill_(1.0)
    step = float(x.max() - min(x.min(), 0)) / 255
    stride = 255 // (2**bits - 1)
    inside = site.affine().nearest_and_inside(x)[1].bool()
    assert (site(x) - x)[inside].abs().max().item() <= stride * step / 2 + step / 2
    assert site(x.new_zeros(1, 1)).abs().item() <= stride * step / 2
    assert torch.equal(site(site(x)), site(x))


def test_skewness_by_hand() -> None:
    # mean 1, deviations -1, -1, -1, 3: m2 = 3, m3 = 6
    assert float(skewness(torch.tensor([[0.0, 0.0, 0.0, 4.0]]))) == pytest.approx(6 / 3**1.5)
    assert float(skewness(torch.ones(3, 2))) == 0
    assert float(skewness(torch.empty(0, 2))) == 0


def test_the_shift_is_taken_once_and_again_where_asked() -> None:
    right = torch.zeros(100, 1)
    right[0] = 1.0  # skewness 9.8
    sites = {every: BTStar(skew_refresh=every).make_site(right, 2, "input").train() for every in (0, 2)}
    for site in sites.values():
        assert float(site.shift) == 10
        site(-right)
        site(-right)
    assert [float(sites[every].shift) for every in (0, 2)] == [10, -10]

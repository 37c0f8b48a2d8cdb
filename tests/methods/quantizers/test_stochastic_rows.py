"""Random rounding into few bits: right on average, exactly as small as it says."""

from __future__ import annotations

import pytest
import torch

from methods.quantizers import stochastic_rows
from methods.quantizers.stochastic_rows import StochasticRows, pack_codes, unpack_codes


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_codes_come_back_at_all_widths(bits: int) -> None:
    for columns in (0, 1, 2, 3, 7, 8, 9, 31, 64, 257):
        codes = torch.randint(2**bits, (3, columns), dtype=torch.uint8)
        packed = pack_codes(codes, bits)
        assert packed.shape == (3, -(-columns * bits // 8))
        assert torch.equal(unpack_codes(packed, bits, columns), codes)


def test_the_first_code_is_in_the_lowest_bits() -> None:
    assert pack_codes(torch.tensor([[1, 2, 3, 0, 2]], dtype=torch.uint8), 2).tolist() == [[0b00111001, 2]]


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("shift", [0.0, 5.0, -5.0])
def test_the_mean_of_many_draws_is_the_matrix(bits: int, shift: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(6, 20) + shift
    draws = StochasticRows.of(x.repeat(2000, 1), bits).restored().view(2000, 6, 20).double()
    standard = (draws.std(0) / 2000**0.5).clamp(min=1e-6)
    assert float(((draws.mean(0) - x).abs() / standard).max()) < 5


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_no_entry_moves_by_more_than_a_step(bits: int) -> None:
    x = torch.randn(50, 33) * torch.logspace(-3, 3, 50).unsqueeze(1)
    packed = StochasticRows.of(x, bits)
    assert bool(((packed.restored() - x).abs() <= packed.step.float().unsqueeze(1) * (1 + 1e-4)).all())


def test_positive_entries_stay_positive_and_zeros_zero() -> None:
    x = torch.randn(200, 40).relu()
    restored = StochasticRows.of(x, 2).restored()
    assert torch.equal(restored > 0, x > 0)
    assert bool((restored[x == 0] == 0).all())


@pytest.mark.parametrize("x", [torch.zeros(3, 5), torch.full((3, 5), 2.5), torch.full((3, 5), -1e-39)])
def test_rows_of_equal_entries(x: torch.Tensor) -> None:
    torch.testing.assert_close(StochasticRows.of(x, 2).restored(), x, rtol=0.01, atol=1e-30)


def test_bytes_are_what_is_allocated() -> None:
    signed = StochasticRows.of(torch.randn(10, 33), 2)
    assert signed.bytes == 10 * (9 + 4)
    assert StochasticRows.of(torch.randn(10, 33).relu(), 4).bytes == 10 * (17 + 4 + 5)
    assert signed.bytes == sum(part.untyped_storage().nbytes() for part in (signed.codes, signed.low, signed.step))


def test_chunks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stochastic_rows, "CHUNK", 50)
    x = torch.randn(37, 20).relu()
    restored = StochasticRows.of(x, 8).restored()
    assert float((restored - x).abs().max()) < 0.05
    assert torch.equal(restored > 0, x > 0)


def test_float64_comes_back_as_float64() -> None:
    assert StochasticRows.of(torch.randn(4, 20, dtype=torch.float64), 8).restored().dtype == torch.float64

"""Which kernels are taken, and what happens where their compiler is missing."""

from __future__ import annotations

import torch

from methods.lowbit import backend, reference
from methods.lowbit.aggregate import aggregate_packed
from methods.lowbit.finish import Finish
from methods.lowbit.grid import Grid
from methods.lowbit.packing import quantize_rows


def test_without_a_compiler_the_definition_gives_the_same_codes(operator, generator, monkeypatch) -> None:
    h = torch.randn(150, 12, generator=generator)
    grid = Grid.of_range(-1, 1, 2)
    assert backend.is_compiled(torch.device("cpu"))
    compiled = aggregate_packed(operator, quantize_rows(h, grid, operator.root), Finish(to=grid))
    monkeypatch.setattr(backend, "has_compiler", lambda device: False)
    assert backend.kernels(torch.device("cpu")) is reference
    plain = aggregate_packed(operator, quantize_rows(h, grid, operator.root), Finish(to=grid))
    assert torch.equal(plain.codes, compiled.codes)

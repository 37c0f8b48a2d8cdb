"""Which kernels are taken, and what happens where their compiler is missing."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from methods.lowbit import backend, reference
from methods.lowbit.aggregate import aggregate_packed
from methods.lowbit.finish import Finish
from methods.lowbit.grid import Grid
from methods.lowbit.packing import quantize_rows


def test_without_numba_the_definition_answers_with_one_notice(operator, generator, monkeypatch) -> None:
    h = torch.randn(150, 12, generator=generator)
    grid = Grid.of_range(-1, 1, 2)
    compiled = aggregate_packed(operator, quantize_rows(h, grid, operator.root), Finish(to=grid))
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "numba" else found(name))
    backend._kernels.cache_clear()
    try:
        with pytest.warns(UserWarning, match="numba is not installed") as notices:
            assert backend.kernels(torch.device("cpu")) is reference
            assert not backend.is_compiled(torch.device("cpu"))
            plain = aggregate_packed(operator, quantize_rows(h, grid, operator.root), Finish(to=grid))
        assert len(notices) == 1
    finally:
        backend._kernels.cache_clear()
    assert torch.equal(plain.codes, compiled.codes)

"""The counting sort against numpy's stable sort."""

from __future__ import annotations

import numpy as np
import pytest

from methods.kernels.order_cpu import order_by_value


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_equals_a_stable_sort(size: int) -> None:
    values = np.random.default_rng(size).integers(0, 40, size).astype(np.int32)
    assert order_by_value(values, 40).tolist() == np.argsort(values, kind="stable").tolist()

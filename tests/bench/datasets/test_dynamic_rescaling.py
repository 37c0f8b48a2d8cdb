from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.datasets import registry


def test_layer_order_is_as_specified(real_data: Path, cache: Path) -> None:
    data = registry.load("layer-order", real_data, cache)
    y, split = np.asarray(data.y), data.splits[0]
    assert np.bincount(y).tolist() == [4568, 432]
    assert [int(y[part].sum()) for part in (split.train, split.valid, split.test)] == [209, 123, 100]
    lonely = np.diff(data.indptr) == 0
    assert lonely.sum() == 395
    assert not y[lonely].any()


def test_grokking_is_as_specified(real_data: Path, cache: Path) -> None:
    data = registry.load("grokking", real_data, cache)
    y, split = np.asarray(data.y), data.splits[0]
    assert np.bincount(y).tolist() == [84, 16]
    assert [int(y[part].sum()) for part in (split.train, split.valid, split.test)] == [10, 2, 4]
    assert int((np.diff(data.indptr) == 0).sum()) == 41

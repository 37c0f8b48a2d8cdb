"""Homophily, on graphs small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_array

from db.homophily import homophily


def of(edges: list[tuple[int, int]], labels: list[int]) -> tuple[float | None, float | None]:
    both = np.array([*edges, *((target, source) for source, target in edges)])
    matrix = coo_array((np.ones(len(both)), (both[:, 1], both[:, 0])), shape=(len(labels), len(labels))).tocsr()
    return homophily(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), np.array(labels))


def test_by_hand() -> None:
    # path 0-1-2-3 with labels 0 0 1 1: 2 of 3 edges agree; ends by class 3 and 3 of 6, so expected 1/2
    edge, adjusted = of([(0, 1), (1, 2), (2, 3)], [0, 0, 1, 1])
    assert edge == pytest.approx(2 / 3)
    assert adjusted == pytest.approx((2 / 3 - 1 / 2) / (1 / 2))


def test_unequal_classes_by_hand() -> None:
    # star with centre 0 of class 0, leaves 0 1 1: 1 of 3 agrees; ends of class 0: 3 + 1, of class 1: 2; (16 + 4) / 36
    edge, adjusted = of([(0, 1), (0, 2), (0, 3)], [0, 0, 1, 1])
    assert edge == pytest.approx(1 / 3)
    assert adjusted == pytest.approx((1 / 3 - 20 / 36) / (16 / 36))


def test_unlabelled_ends_do_not_count() -> None:
    assert of([(0, 1), (1, 2)], [0, 1, -1]) == (0.0, pytest.approx(-1.0))


def test_never_nan() -> None:
    assert of([(0, 1)], [1, 1]) == (1.0, None)
    assert of([(0, 1)], [-1, 1]) == (None, None)

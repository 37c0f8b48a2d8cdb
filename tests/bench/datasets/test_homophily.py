from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import registry
from bench.datasets.adjacency import to_csr
from bench.datasets.homophily import homophily


def test_by_hand() -> None:
    # path 0-1-2-3 with labels 0 0 1 1: 2 of 3 edges agree; ends by class 3 and 3 of 6, so expected 1/2
    adjacency = to_csr(np.array([[0, 1, 2], [1, 2, 3]]), 4)
    edge, adjusted = homophily(*adjacency, np.array([0, 0, 1, 1]))
    assert edge == pytest.approx(2 / 3)
    assert adjusted == pytest.approx((2 / 3 - 1 / 2) / (1 / 2))


def test_unequal_classes_by_hand() -> None:
    # star with centre 0 of class 0, leaves 0 1 1: 1 of 3 agrees; ends of class 0: 3 + 1, of class 1: 2; (16 + 4) / 36
    adjacency = to_csr(np.array([[0, 0, 0], [1, 2, 3]]), 4)
    edge, adjusted = homophily(*adjacency, np.array([0, 0, 1, 1]))
    assert edge == pytest.approx(1 / 3)
    assert adjusted == pytest.approx((1 / 3 - 20 / 36) / (16 / 36))


def test_unlabelled_ends_do_not_count() -> None:
    adjacency = to_csr(np.array([[0, 1], [1, 2]]), 3)
    assert homophily(*adjacency, np.array([0, 1, -1])) == (0.0, pytest.approx(-1.0))


def test_never_nan() -> None:
    adjacency = to_csr(np.array([[0], [1]]), 2)
    assert homophily(*adjacency, np.array([1, 1])) == (1.0, None)
    assert homophily(*adjacency, np.array([-1, 1])) == (None, None)


@pytest.mark.parametrize(
    ("spec", "edge", "adjusted"),
    [
        ("minesweeper", 0.683, 0.009),
        ("tolokers", 0.595, 0.093),
        ("cora", 0.810, 0.771),
        ("citeseer", 0.736, 0.671),
        ("reed98", 0.522, 0.022),
        ("chameleon-filtered", 0.236, 0.030),
        ("amazon-ratings-partial", 0.381, 0.141),
        ("layer-order", 0.855, 0.025),
        ("grokking", 0.957, 0.643),
    ],
)
def test_published_numbers(spec: str, edge: float, adjusted: float, real_data: Path, cache: Path) -> None:
    data = registry.load(spec, real_data, cache)
    assert data.edge_homophily == pytest.approx(edge, abs=5e-4)
    assert data.adjusted_homophily == pytest.approx(adjusted, abs=5e-4)

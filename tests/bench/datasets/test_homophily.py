"""Homophily of real sets against the numbers that were published."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.datasets import registry


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

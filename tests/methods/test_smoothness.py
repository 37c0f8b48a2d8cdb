"""The Dirichlet energy is the Laplacian's quadratic form."""

from __future__ import annotations

import math

import pytest
import torch

from methods.adjacency import Adjacency
from methods.smoothness import dirichlet_energy


def test_the_energy_of_a_path_by_hand(path: Adjacency) -> None:
    # degrees with self-loops 2, 3, 2; the signals are [2, 0, 4] and [0, 3, 0]
    h = torch.tensor([[2.0, 0.0], [0.0, 3.0], [4.0, 0.0]])
    first = 2**2 / 2 + 4**2 / 2
    second = 2 * 3**2 / 3
    assert float(dirichlet_energy(h, path)) == pytest.approx(first + second, rel=1e-6)


def test_what_neighbours_share_up_to_their_degrees_has_no_energy(path: Adjacency) -> None:
    h = torch.tensor([[math.sqrt(2)], [math.sqrt(3)], [math.sqrt(2)]])
    assert float(dirichlet_energy(h, path)) == pytest.approx(0, abs=1e-6)


def test_stored_self_loops_are_not_doubled(path: Adjacency) -> None:
    h = torch.randn(3, 4)
    looped = path.normalized("none", self_loops=True)
    torch.testing.assert_close(dirichlet_energy(h, looped), dirichlet_energy(h, path))

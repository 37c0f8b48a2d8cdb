"""Rows cut out, extended and scaled: the CPU's kernels against the definition in torch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from methods.adjacency import Adjacency
from methods.kernels import in_torch, on_cpu


@pytest.fixture(params=["plain", "weighted", "empty", "empty and weighted"])
def matrix(request: pytest.FixtureRequest, uneven: Adjacency) -> Adjacency:
    if request.param.startswith("empty"):
        values = torch.empty(0) if request.param.endswith("weighted") else None
        return Adjacency(torch.zeros(61, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 60, values)
    if request.param == "weighted":
        uneven.values = torch.rand(uneven.entries)
    return uneven


def same(left: tuple, right: tuple) -> None:
    for ours, theirs in zip(left, right, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            torch.testing.assert_close(ours, theirs)


def test_induced(matrix: Adjacency) -> None:
    nodes = torch.tensor([59, 3, 0, 17, 52])
    position = matrix.indices.new_full((60,), -1)
    position[nodes] = torch.arange(5, dtype=position.dtype)
    same(on_cpu.induced(matrix, nodes, position), in_torch.induced(matrix, nodes, position))


def test_with_loops(matrix: Adjacency) -> None:
    same(on_cpu.with_loops(matrix), in_torch.with_loops(matrix))


@pytest.mark.parametrize("both", [False, True])
def test_scaled(matrix: Adjacency, both: bool) -> None:
    factors = torch.rand(2, 60)
    arguments = (matrix, factors[0], factors[1] if both else None)
    same((on_cpu.scaled(*arguments),), (in_torch.scaled(*arguments),))


def test_numba_leaves_the_number_of_torchs_threads_alone() -> None:
    code = (
        "import torch; torch.set_num_threads(1)\n"
        "from methods.kernels.on_cpu import match_threads; match_threads()\n"
        "import numba; print(torch.get_num_threads(), numba.get_num_threads())"
    )
    # of more threads than torch uses, as on any machine where the user lowers torch's number
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.split() == ["1", "1"]

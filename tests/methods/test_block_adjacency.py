"""Operators of a block: the first rows of those of the whole square matrix."""

from __future__ import annotations

import pytest
import torch

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.block_adjacency import BlockAdjacency


@pytest.mark.parametrize("kind", ["none", "symmetric", "mean"])
@pytest.mark.parametrize("loops", [False, True])
@pytest.mark.parametrize("targets", [0, 7, 60])
def test_its_products_are_the_first_rows(uneven: Adjacency, kind, loops: bool, targets: int) -> None:
    values = torch.rand(uneven.entries, generator=torch.Generator().manual_seed(1)) + 0.5
    sums = torch.rand(60, generator=torch.Generator().manual_seed(2)) * 9
    x = torch.randn(60, 3, generator=torch.Generator().manual_seed(3))
    for whole in (uneven, Adjacency(uneven.indptr, uneven.indices, 60, values, row_sums=sums)):
        block = BlockAdjacency(whole, targets)
        operator = block.normalized(kind, loops)
        assert (operator.rows, operator.columns) == (targets, 60)
        expected = aggregate(whole.normalized(kind, loops), x)[:targets]
        torch.testing.assert_close(aggregate(operator, x), expected)


def test_its_own_rows_are_the_first_and_a_whole_matrix_owns_all(uneven: Adjacency) -> None:
    x = torch.randn(60, 3)
    assert torch.equal(BlockAdjacency(uneven, 7).own(x), x[:7])
    assert uneven.own(x) is x

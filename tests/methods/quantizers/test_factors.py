"""Operators in the form that integers can add up."""

from __future__ import annotations

import pytest
import torch

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.quantizers.factors import integer_factors, symmetric_factors


def multiplied(operator: Adjacency, adjacency: Adjacency, x: torch.Tensor) -> torch.Tensor:
    factors = integer_factors(adjacency, operator)
    assert factors is not None
    summing, of_column = factors
    assert summing.pattern.values is None
    assert summing.most_entries == int(summing.pattern.degrees().max())
    scaled = x if of_column is None else of_column.unsqueeze(1) * x
    return summing.root.unsqueeze(1) * aggregate(summing.pattern, scaled)


@pytest.mark.parametrize("self_loops", [False, True])
@pytest.mark.parametrize("kind", ["none", "symmetric", "mean"])
def test_factors_make_the_operator(uneven: Adjacency, kind, self_loops: bool) -> None:
    x = torch.randn(60, 4)
    operator = uneven.normalized(kind, self_loops)
    torch.testing.assert_close(multiplied(operator, uneven, x), aggregate(operator, x))


def test_operators_between_other_sets(path: Adjacency) -> None:
    members = Adjacency(torch.tensor([0, 2, 2, 3]), torch.arange(3), 3)  # three graphs, one without nodes
    x = torch.tensor([[2.0], [4.0], [5.0]])
    assert multiplied(members.normalized("mean"), path, x).tolist() == [[3], [0], [5]]


def test_weights_that_are_no_factors_have_no_such_form(path: Adjacency) -> None:
    weighted = Adjacency(path.indptr, path.indices, 3, torch.tensor([1.0, 1.0, 2.0, 1.0]), symmetric=True)
    assert integer_factors(path, weighted) is None
    operator = weighted.normalized("symmetric", self_loops=True)
    assert integer_factors(weighted, operator) is None
    assert symmetric_factors(weighted, operator) is not None
    # by rows they may differ
    by_row = Adjacency(path.indptr, path.indices, 3, torch.tensor([2.0, 3.0, 3.0, 5.0]))
    torch.testing.assert_close(multiplied(by_row, path, torch.eye(3)), aggregate(by_row, torch.eye(3)))


def test_a_graph_without_edges(path: Adjacency) -> None:
    empty = Adjacency(torch.zeros(4, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 3)
    assert not multiplied(empty.normalized("mean"), empty, torch.ones(3, 2)).any()

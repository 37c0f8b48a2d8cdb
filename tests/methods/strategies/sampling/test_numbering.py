"""Both numberings count nodes in the order in which they are met, view after view."""

from __future__ import annotations

import pytest
import torch

from methods.strategies.sampling.numbering import Numbering, SortedNumbering, TableNumbering


@pytest.fixture(params=["table", "sorted"])
def numbering(request: pytest.FixtureRequest) -> Numbering:
    return TableNumbering(100, torch.device("cpu")) if request.param == "table" else SortedNumbering()


def test_nodes_are_numbered_when_they_are_first_met(numbering: Numbering) -> None:
    for _ in range(2):  # the second view must not know the first
        assert numbering.meet(torch.tensor([70, 5]), 0).tolist() == [70, 5]
        assert numbering.meet(torch.tensor([9, 5, 99, 9, 0, 70]), 2).tolist() == [9, 99, 0]
        assert numbering.meet(torch.tensor([0, 99]), 5).tolist() == []
        assert numbering.meet(torch.tensor([], dtype=torch.int64), 5).tolist() == []
        assert numbering.of(torch.tensor([0, 70, 5, 99, 9, 9])).tolist() == [4, 0, 1, 3, 2, 2]
        numbering.forget(torch.tensor([70, 5, 9, 99, 0]))


def test_both_number_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    table, ordered = TableNumbering(500, torch.device("cpu")), SortedNumbering()
    known = 0
    for _ in range(4):
        nodes = torch.randint(500, (120,), generator=generator)
        met = table.meet(nodes, known)
        assert torch.equal(ordered.meet(nodes, known), met)
        assert torch.equal(ordered.of(nodes), table.of(nodes))
        known += met.numel()

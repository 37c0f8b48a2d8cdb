"""Sampled rows estimate the whole matrix."""

from __future__ import annotations

import pytest
import torch

from methods.adjacency import Adjacency
from methods.strategies.multiscale.sparsify import sampled


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["none", "mean", "symmetric"])
def test_operators_are_right_on_average(graphs, kind: str, weighted: bool) -> None:
    plain = graphs.random_adjacency(16, 80, True, 0)
    values = torch.rand(plain.entries, generator=torch.Generator().manual_seed(1)) + 0.5 if weighted else None
    whole = Adjacency(plain.indptr, plain.indices, 16, values)
    generator, draws = torch.Generator().manual_seed(2), 400
    drawn = torch.stack([graphs.dense(sampled(whole, 3, generator).normalized(kind, True)) for _ in range(draws)])
    error = (drawn.mean(0) - graphs.dense(whole.normalized(kind, True))).abs()
    assert (error <= 5 * drawn.std(0) / draws**0.5 + 1e-6).all()


def test_rows_keep_at_most_k_different_entries_of_their_own(graphs) -> None:
    whole = graphs.random_adjacency(30, 200, True, 0)
    few = sampled(whole, 4, torch.Generator().manual_seed(0))
    assert torch.equal(few.degrees(), whole.degrees().clamp(max=4)) and not few.symmetric
    assert (graphs.dense(whole)[few.row_of_entry(), few.indices.long()] == 1).all()
    pairs = few.row_of_entry() * 30 + few.indices.long()
    assert pairs.unique().numel() == few.entries


def test_nothing_is_drawn_where_no_row_is_crowded(graphs) -> None:
    path, generator = graphs.path_of(5), torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert sampled(path, 2, generator) is path
    assert torch.equal(generator.get_state(), before)

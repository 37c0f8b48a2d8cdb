"""METIS parts: covering, even, with few edges between them, the same for a seed."""

from __future__ import annotations

import sys

import pytest
import torch

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.partition import edge_cut, metis


def cliques(count: int, size: int) -> Adjacency:
    """Complete graphs, each joined to the next by one edge; names of nodes are shuffled."""
    member = torch.arange(count * size)
    sources, targets = torch.cartesian_prod(member, member).unbind(1)
    inside = (sources // size == targets // size) & (sources != targets)
    first = torch.arange(0, (count - 1) * size, size)
    name = torch.randperm(count * size, generator=torch.Generator().manual_seed(1))
    sources = name[torch.cat([sources[inside], first, first + size])]
    targets = name[torch.cat([targets[inside], first + size, first])]
    return Adjacency.from_edges(sources, targets, count * size, symmetric=True)


def test_cliques_stay_together() -> None:
    graph = cliques(6, 12)
    part = metis(graph, 6, seed=0)
    assert part.dtype == torch.int64 and torch.bincount(part).tolist() == [12] * 6
    assert edge_cut(graph, part) == pytest.approx(10 / graph.entries)


def test_a_seed_gives_the_same_parts(random_graph_of_300: Adjacency) -> None:
    first, again, other = (metis(random_graph_of_300, 7, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_directions_and_self_loops_do_not_count() -> None:
    graph = cliques(4, 8)
    rows, columns = graph.row_of_entry(), graph.indices.long()
    one_way, loops = rows < columns, torch.arange(32)
    directed = Adjacency.from_edges(torch.cat([columns[one_way], loops]), torch.cat([rows[one_way], loops]), nodes=32)
    assert torch.equal(metis(directed, 4, seed=2), metis(graph, 4, seed=2))


def test_one_part_no_edges_and_a_part_for_each_node(random_graph_of_300: Adjacency) -> None:
    assert metis(random_graph_of_300, 1, seed=0).unique().tolist() == [0]
    empty = Adjacency(torch.zeros(6, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 5)
    assert torch.bincount(metis(empty, 3, seed=0)).tolist() == [2, 2, 1]
    assert edge_cut(empty, metis(empty, 3, seed=0)) == 0
    every = metis(random_graph_of_300, 300, seed=0)
    assert every.shape == (300,) and every.min() >= 0 and every.max() < 300


def test_without_pymetis_the_message_says_what_to_install(random_graph_of_300, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pymetis", None)
    with pytest.raises(MethodError, match="need pymetis, which is not installed; run pip install pymetis"):
        metis(random_graph_of_300, 2, seed=0)


@pytest.fixture
def random_graph_of_300() -> Adjacency:
    low, high = torch.randint(300, (2, 1500), generator=torch.Generator().manual_seed(0)).sort(0).values
    keys = (low * 300 + high)[low != high].unique()
    ends = torch.stack([keys // 300, keys % 300])
    sources, targets = torch.cat([ends, ends.flip(0)], 1)
    return Adjacency.from_edges(sources, targets, 300, symmetric=True)

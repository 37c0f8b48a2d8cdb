"""The incidence operator squares to the Laplacian."""

from __future__ import annotations

import gc
import weakref

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.incidence import incidence


def dense(matrix: Adjacency) -> Tensor:
    rows, columns = matrix.row_of_entry(), matrix.indices.long()
    return torch.zeros(matrix.rows, matrix.columns).index_put((rows, columns), matrix.weights())


def symmetric(uneven: Adjacency, weighted: bool) -> Adjacency:
    """Both directions of every edge of a directed graph; weights differ between edges, not between directions."""
    both = dense(uneven) + dense(uneven).T
    targets, sources = both.nonzero().T
    made = Adjacency.from_edges(sources, targets, uneven.rows, symmetric=True)
    if weighted:
        made.values = 0.1 + torch.minimum(targets, sources) % 5 + torch.maximum(targets, sources) % 3
    return made


def test_the_square_is_the_laplacian(uneven: Adjacency) -> None:
    for weighted in (False, True):
        adjacency = symmetric(uneven, weighted)
        operator = dense(incidence(adjacency))
        laplacian = torch.eye(60) - dense(adjacency.normalized("symmetric", self_loops=True))
        torch.testing.assert_close(operator.T @ operator, laplacian, atol=1e-6, rtol=1e-5)


def test_every_pair_is_one_row_with_its_larger_node_positive(uneven: Adjacency) -> None:
    adjacency = symmetric(uneven, weighted=False)
    operator = dense(incidence(adjacency))
    assert len(operator) == int(torch.triu(dense(adjacency), diagonal=1).count_nonzero())
    assert torch.equal((operator > 0).sum(1), torch.ones(len(operator), dtype=torch.int64))
    assert torch.equal((operator < 0).sum(1), torch.ones(len(operator), dtype=torch.int64))
    assert bool(((operator > 0).int().argmax(1) > (operator < 0).int().argmax(1)).all())


def test_what_does_not_say_that_it_is_symmetric_is_found_to_be(uneven: Adjacency) -> None:
    known = symmetric(uneven, weighted=True)
    unknown = Adjacency(known.indptr, known.indices, known.columns, known.values)
    torch.testing.assert_close(dense(incidence(unknown).transposed()) @ dense(incidence(unknown)), torch_square(known))


def torch_square(adjacency: Adjacency) -> Tensor:
    operator = dense(incidence(adjacency))
    return operator.T @ operator


def test_a_directed_graph_gives_the_laplacian_of_both_directions_mean(uneven: Adjacency) -> None:
    looped = dense(uneven.normalized("none", self_loops=True))
    scale = looped.sum(1).rsqrt()
    mean = (looped + looped.T) / 2
    mean.fill_diagonal_(0)
    expected = scale[:, None] * (torch.diag(mean.sum(1)) - mean) * scale
    torch.testing.assert_close(torch_square(uneven), expected, atol=1e-6, rtol=1e-5)


def test_a_node_alone_has_no_edges() -> None:
    alone = Adjacency(torch.zeros(2, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 1, symmetric=True)
    assert (incidence(alone).rows, incidence(alone).columns) == (0, 1)


def test_it_is_made_once_and_goes_with_its_graph(path: Adjacency) -> None:
    graph = Adjacency(path.indptr, path.indices, path.columns, symmetric=True)
    assert incidence(graph) is incidence(graph)
    gone = weakref.ref(graph)
    del graph
    gc.collect()
    assert gone() is None

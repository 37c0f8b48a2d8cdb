"""Compressed rows, transposes and normalisations, by hand and against PyG."""

from __future__ import annotations

import gc
import math
import weakref

import pytest
import torch
from torch import Tensor
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from methods.adjacency import Adjacency


def dense(adjacency: Adjacency) -> Tensor:
    """[rows, columns] float32."""
    values = adjacency.values if adjacency.values is not None else torch.ones(adjacency.entries)
    matrix = torch.zeros(adjacency.rows, adjacency.columns)
    matrix[adjacency.row_of_entry(), adjacency.indices.long()] = values
    return matrix


def test_rows_list_who_a_node_receives_from(directed: Adjacency) -> None:
    assert directed.indptr.tolist() == [0, 0, 2, 2, 3]
    assert directed.indices.tolist() == [0, 2, 1]
    assert directed.indptr.dtype == directed.indices.dtype == torch.int32
    assert (directed.rows, directed.columns, directed.entries) == (4, 4, 3)
    assert directed.degrees().tolist() == [0, 2, 0, 1]
    assert directed.row_of_entry().tolist() == [1, 1, 3]


def test_the_order_of_edges_does_not_matter() -> None:
    sources, targets = torch.tensor([2, 0, 1, 2]), torch.tensor([0, 2, 0, 1])
    order = torch.tensor([3, 1, 0, 2])
    first, second = (Adjacency.from_edges(sources[p], targets[p], 3) for p in (torch.arange(4), order))
    assert torch.equal(first.indices, second.indices) and torch.equal(first.indptr, second.indptr)
    assert first.indices.tolist() == [1, 2, 2, 0]


def test_transposed_of_a_directed_graph(directed: Adjacency) -> None:
    transposed, order = directed.transposed_with_order()
    assert transposed.indptr.tolist() == [0, 1, 2, 3, 3]
    assert transposed.indices.tolist() == [1, 3, 1]
    assert order.tolist() == [0, 2, 1]
    assert directed.transposed() is transposed


def test_transposed_of_a_rectangle_with_values() -> None:
    # [[0, 2, 3], [4, 0, 0]]
    matrix = Adjacency(torch.tensor([0, 2, 3]), torch.tensor([1, 2, 0]), 3, torch.tensor([2.0, 3.0, 4.0]))
    assert (matrix.transposed().rows, matrix.transposed().columns) == (3, 2)
    assert dense(matrix.transposed()).tolist() == [[0, 4], [2, 0], [3, 0]]


def test_a_symmetric_matrix_is_its_own_transpose(path: Adjacency) -> None:
    assert path.transposed() is path
    normalized = path.normalized("symmetric", self_loops=True)
    assert normalized.transposed() is normalized
    torch.testing.assert_close(dense(normalized), dense(normalized).T)


def test_mean_of_a_symmetric_graph_is_not_symmetric(path: Adjacency) -> None:
    mean = path.normalized("mean")
    assert dense(mean).tolist() == [[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]]
    assert dense(mean.transposed()).tolist() == [[0, 0.5, 0], [1, 0, 1], [0, 0.5, 0]]


def test_symmetric_normalisation_by_hand(path: Adjacency) -> None:
    # with self-loops the path's degrees are 2, 3, 2
    end, middle, edge = 1 / 2, 1 / 3, 1 / math.sqrt(6)
    expected = torch.tensor([[end, edge, 0], [edge, middle, edge], [0, edge, end]])
    torch.testing.assert_close(dense(path.normalized("symmetric", self_loops=True)), expected)


def test_rows_without_entries_stay_zero(directed: Adjacency) -> None:
    for kind in ("symmetric", "mean"):
        matrix = dense(directed.normalized(kind))
        assert bool(torch.isfinite(matrix).all())
        assert matrix[0].tolist() == [0, 0, 0, 0]


def test_self_loops_are_added_only_where_there_are_none() -> None:
    # node 0 has a loop already, node 1 has none
    adjacency = Adjacency.from_edges(torch.tensor([0, 0]), torch.tensor([0, 1]), nodes=2)
    assert dense(adjacency.normalized("none", self_loops=True)).tolist() == [[1, 0], [1, 1]]


def test_normalisations_are_computed_once(path: Adjacency) -> None:
    assert path.normalized("symmetric", self_loops=True) is path.normalized("symmetric", self_loops=True)
    assert path.normalized("symmetric") is not path.normalized("symmetric", self_loops=True)
    assert path.normalized("none") is path


def test_a_view_is_given_back_without_the_garbage_collector(uneven: Adjacency) -> None:
    gc.disable()
    try:
        view = uneven.induced(torch.arange(30))
        alive = weakref.ref(view.indices)
        view.normalized("none").normalized("symmetric", self_loops=True).transposed_with_order()
        del view
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("weighted", [False, True])
def test_symmetric_normalisation_equals_pyg(uneven: Adjacency, weighted: bool) -> None:
    without_loops = uneven.row_of_entry() != uneven.indices
    sources, targets = uneven.indices.long()[without_loops], uneven.row_of_entry()[without_loops]
    adjacency = Adjacency.from_edges(sources, targets, nodes=60)
    weights = torch.rand(adjacency.entries) if weighted else None
    adjacency.values = weights
    edges = torch.stack([adjacency.indices.long(), adjacency.row_of_entry()])
    edges, expected = gcn_norm(edges, weights, num_nodes=60, add_self_loops=True)
    reference = torch.zeros(60, 60).index_put((edges[1], edges[0]), expected)
    torch.testing.assert_close(dense(adjacency.normalized("symmetric", self_loops=True)), reference)


def test_sparse_tensor_is_the_same_matrix(uneven: Adjacency) -> None:
    mean = uneven.normalized("mean")
    torch.testing.assert_close(mean.sparse_tensor().to_dense(), dense(mean))


def test_a_copy_on_a_device_has_no_caches(path: Adjacency) -> None:
    copy = path.to("cpu")
    assert copy.symmetric and torch.equal(copy.indices, path.indices)
    assert copy.normalized("mean") is not path.normalized("mean")


@pytest.mark.parametrize("weighted", [False, True])
def test_induced_is_the_dense_submatrix_in_the_order_of_the_nodes(uneven: Adjacency, weighted: bool) -> None:
    uneven.values = torch.rand(uneven.entries) if weighted else None
    uneven.row_sums = torch.arange(60.0)
    nodes = torch.tensor([59, 0, 7, 31, 8, 50])
    induced = uneven.induced(nodes)
    torch.testing.assert_close(dense(induced), dense(uneven)[nodes][:, nodes])
    assert induced.row_sums is not None and induced.row_sums.tolist() == nodes.tolist()
    assert not induced.symmetric


def test_induced_on_no_node_and_on_all(path: Adjacency) -> None:
    assert path.induced(torch.tensor([], dtype=torch.int64)).entries == 0
    whole = path.induced(torch.arange(3))
    assert whole.symmetric and torch.equal(whole.indices, path.indices) and torch.equal(whole.indptr, path.indptr)


def test_entries_of_rows_follow_the_order_of_the_rows(directed: Adjacency) -> None:
    entries, sizes = directed.entries_of(torch.tensor([3, 0, 1]))
    assert (entries.tolist(), sizes.tolist()) == ([2, 0, 1], [1, 0, 2])


def test_a_sample_normalises_by_the_rows_of_its_graph(path: Adjacency) -> None:
    # node 1 kept one of its two neighbours, which therefore counts twice
    sample = Adjacency(
        torch.tensor([0, 1, 2, 2]),
        torch.tensor([1, 0]),
        3,
        torch.tensor([1.0, 2.0]),
        row_sums=torch.tensor([1.0, 2.0, 1.0]),
    )
    assert dense(sample.normalized("mean")).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    edge = 1 / math.sqrt(6)
    expected = torch.tensor([[1 / 2, edge, 0], [2 * edge, 1 / 3, 0], [0, 0, 1 / 2]])
    torch.testing.assert_close(dense(sample.normalized("symmetric", self_loops=True)), expected)


def test_samples_of_neighbours_estimate_the_operator_without_bias(uneven: Adjacency) -> None:
    generator = torch.Generator().manual_seed(0)
    full = dense(uneven.normalized("symmetric"))
    sums = uneven.degrees().float()
    total = torch.zeros_like(full)
    for _ in range(400):
        kept = torch.rand(uneven.entries, generator=generator) < 0.5
        sample = uneven.masked(kept)
        sample.values, sample.row_sums = torch.full((sample.entries,), 2.0), sums
        total += dense(sample.normalized("symmetric"))
    # an entry is 0 or twice itself with equal chance: standard error of its mean is itself / sqrt(400)
    assert bool(((total / 400 - full).abs() <= 5 * full / 20 + 1e-6).all())


def test_a_matrix_is_the_transpose_of_its_transpose(uneven: Adjacency) -> None:
    uneven.values = torch.rand(uneven.entries)
    flipped, order = uneven.transposed_with_order()
    torch.testing.assert_close(dense(flipped), dense(uneven).T)
    assert torch.equal(flipped.values, uneven.values[order.long()])  # type: ignore[arg-type]


@pytest.mark.parametrize("weighted", [False, True])
def test_what_samplers_read_of_some_rows(uneven: Adjacency, weighted: bool) -> None:
    values = torch.rand(uneven.entries) if weighted else None
    whole = Adjacency(uneven.indptr, uneven.indices, 60, values)
    rows = torch.tensor([55, 3, 0, 3])
    starts, sizes = whole.ranges(rows)
    assert starts.tolist() == [int(whole.indptr[row]) for row in rows]
    assert sizes.tolist() == whole.degrees()[rows].tolist()
    assert whole.sources(starts[1:]).tolist() == whole.indices.long()[starts[1:]].tolist()
    for _ in range(2):  # computed, then kept
        torch.testing.assert_close(whole.sums_of(rows), whole.sums()[rows])

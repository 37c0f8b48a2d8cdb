"""The random stand-in for ogbn-arxiv's edges."""

from __future__ import annotations

import torch

from bench.perf.contenders.graphs import arxiv_sized, edge_index, power_law_edges


def test_edges_are_distinct_undirected_and_without_loops() -> None:
    edges = power_law_edges(nodes=200, edges=900)
    assert edges.shape == (2, 1800)
    keys = edges[0] * 200 + edges[1]
    assert keys.unique().numel() == 1800
    assert torch.equal(keys.sort().values, (edges[1] * 200 + edges[0]).sort().values)
    assert bool((edges[0] != edges[1]).all()) and int(edges.max()) < 200


def test_degrees_are_skewed_and_reproducible() -> None:
    edges = power_law_edges(nodes=2_000, edges=10_000)
    degrees = torch.bincount(edges[1], minlength=2_000)
    assert int(degrees.max()) > 10 * float(degrees.float().mean())
    assert torch.equal(edges, power_law_edges(nodes=2_000, edges=10_000))


def test_edge_index_points_from_sources_to_targets() -> None:
    view, origin = arxiv_sized(quick=True, data_dir=None, cache_dir=None)
    sources, targets = edge_index(view)
    assert origin == "small random power-law graph"
    assert torch.equal(view.adjacency.degrees(), torch.bincount(targets, minlength=view.num_nodes))
    first_row = view.adjacency.indices[: int(view.adjacency.indptr[1])].long()
    assert torch.equal(sources[targets == 0], first_row)

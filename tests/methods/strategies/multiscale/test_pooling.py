"""Poolings: which nodes, how many, with which law (specification 9.1)."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.strategies.multiscale.cluster_pooling import ClusterPooling
from methods.strategies.multiscale.hybrid_pooling import HybridPooling
from methods.strategies.multiscale.pooled import PooledCoarsener
from methods.strategies.multiscale.pooling import Draw, Pooling, first_of_each, kept_nodes, shrunk
from methods.strategies.multiscale.random_pooling import RandomPooling
from methods.strategies.multiscale.subgraph_pooling import EgoNetPooling, SubgraphPooling
from methods.strategies.multiscale.top_k_pooling import ReleasedTopKPooling, TopKPooling

POOLINGS = (RandomPooling, TopKPooling, SubgraphPooling, lambda: HybridPooling(SubgraphPooling()))
OF_ONE_GRAPH = (*POOLINGS, lambda: ClusterPooling(16, seed=0))


def select(pooling: Pooling, graph: GraphView, level: int, seed: int = 0, number: int = 0) -> torch.Tensor:
    pooling.prepare(graph)
    order = torch.randperm(graph.num_nodes, generator=torch.Generator().manual_seed(seed))
    return pooling.select(graph, kept_nodes(graph, 2.0, level), Draw(order, level, number))


@pytest.mark.parametrize(("nodes", "expected"), [(169_343, [84_671, 42_335, 21_167]), (2708, [1354, 677, 338])])
def test_level_sizes(nodes: int, expected: list[int]) -> None:
    assert [int(shrunk(torch.tensor([nodes]), 2.0, level)) for level in (1, 2, 3)] == expected


def test_a_ratio_that_is_no_binary_number_loses_no_node() -> None:
    sizes = torch.arange(4, 4000, 4)
    assert torch.equal(shrunk(sizes, 4 / 3, 1), sizes // 4 * 3)


def test_graphs_of_a_union_keep_two_nodes_if_they_have_them(graphs) -> None:
    union = graphs.union_of(*(graphs.path_of(nodes) for nodes in (1, 2, 3, 9, 20)))
    assert kept_nodes(union, 2.0, 2).tolist() == [1, 2, 2, 2, 5]


def test_first_of_each_group_in_order() -> None:
    groups = torch.tensor([2, 0, 2, 2, 0, 1])
    chosen = first_of_each(groups, torch.tensor([1, 5, 2]))
    assert chosen.tolist() == [True, True, True, False, False, True]


@pytest.mark.parametrize("make", OF_ONE_GRAPH)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_one_graph_keeps_exactly_its_share_of_different_nodes(graphs, make, level: int) -> None:
    graph = graphs.view_of(graphs.random_adjacency(203, 240, symmetric=level != 2, seed=level))
    for seed in range(20):
        nodes = select(make(), graph, level, seed, number=seed)
        assert nodes.unique().numel() == nodes.numel() == 203 // 2**level
        assert int(nodes.min()) >= 0 and int(nodes.max()) < 203


@pytest.mark.parametrize("make", POOLINGS)
def test_unions_keep_each_graph_s_own_share_graph_after_graph(graphs, make) -> None:
    parts = [graphs.random_adjacency(nodes, 2 * nodes, nodes % 2 == 0, nodes) for nodes in (31, 2, 64, 5)]
    union = graphs.union_of(*parts, graphs.path_of(1))
    for seed in range(20):
        nodes = select(make(), union, 2, seed, number=seed)
        owner = union.graph_of_node()[nodes]
        assert torch.bincount(owner, minlength=5).tolist() == [7, 2, 16, 2, 1]
        assert torch.equal(owner, owner.sort().values)


@pytest.mark.parametrize("make", [RandomPooling, SubgraphPooling])
def test_levels_of_one_order_are_nested(graphs, make) -> None:
    parts = [graphs.random_adjacency(60, 50, True, 1), graphs.random_adjacency(90, 200, False, 2)]
    for graph in (graphs.union_of(*parts), graphs.view_of(parts[0])):
        for seed in range(20):
            coarse, fine = select(make(), graph, 2, seed), select(make(), graph, 1, seed)
            assert torch.isin(coarse, fine).all()


def test_random_pooling_includes_every_node_equally_often(graphs) -> None:
    graph = graphs.view_of(graphs.random_adjacency(50, 400, True, 0))
    draws, kept, edges = 2000, 25, graph.num_edges
    generator = torch.Generator().manual_seed(1)
    pooling, counts, seen = RandomPooling(), torch.zeros(50), torch.zeros(draws)
    for draw in range(draws):
        order = torch.randperm(50, generator=generator)
        nodes = pooling.select(graph, kept_nodes(graph, 2.0, 1), Draw(order, 1))
        counts[nodes] += 1
        seen[draw] = graph.induced(nodes).num_edges
    rate = kept / 50
    assert ((counts / draws - rate).abs() < 4 * (rate * (1 - rate) / draws) ** 0.5).all()
    expected = edges * kept * (kept - 1) / (50 * 49)
    assert abs(seen.mean() - expected) < 4 * seen.std() / draws**0.5


def coarsener(pooling: Pooling, graph: GraphView, levels: int) -> PooledCoarsener:
    made = PooledCoarsener(pooling, 2.0, 1, None)
    made.prepare(graph, levels, torch.Generator().manual_seed(0))
    return made


@pytest.mark.parametrize("make", OF_ONE_GRAPH)
def test_features_labels_and_masks_are_rows_of_the_graph(graphs, make) -> None:
    graph = graphs.view_of(graphs.random_adjacency(80, 200, True, 0), classes=3)
    drawing = coarsener(make(), graph, 3)
    for number in range(10):
        for view in drawing.views(None, (1, 2), number):
            assert torch.equal(view.x, graph.x[view.nodes]) and torch.equal(view.y, graph.y[view.nodes])
            assert torch.equal(view.train_mask, graph.train_mask[view.nodes])
            assert set(view.y[view.train_mask].tolist()) <= {0, 1, 2}


def test_random_pooling_keeps_its_share_of_the_training_labels_on_average(graphs) -> None:
    graph = graphs.view_of(graphs.random_adjacency(50, 100, True, 0))
    drawing, draws = coarsener(RandomPooling(), graph, 2), 2000
    labels = torch.tensor([float(drawing.views(None, (1,))[0].train_mask.sum()) for _ in range(draws)])
    expected = 25 / 50 * int(graph.train_mask.sum())
    assert drawing.redraws == 0  # a draw without labels would be repeated, and the mean too high
    assert abs(labels.mean() - expected) < 4 * labels.std() / draws**0.5


def test_each_level_has_half_the_nodes_and_a_quarter_of_the_edges_of_the_one_before(graphs) -> None:
    graph = graphs.view_of(graphs.random_adjacency(2000, 40_000, True, 0))
    drawing = coarsener(RandomPooling(), graph, 4)
    for level in (1, 2, 3):
        for _ in range(60):
            drawing.views(None, (level,))
    whole = {"nodes": graph.num_nodes, "edges": graph.num_edges}
    for finer, coarser in pairwise([whole, *drawing.facts()["levels"]]):
        assert coarser["nodes"] / finer["nodes"] == pytest.approx(1 / 2, rel=0.01)
        assert coarser["edges"] / finer["edges"] == pytest.approx(1 / 4, rel=0.02)


def test_top_k_ranks_by_neighbours_in_either_direction_then_by_id(graphs) -> None:
    # node 3: neighbours 0, 1, 2; node 0: 3 and, in both directions, 1; node 4 only itself
    sources, targets = torch.tensor([0, 1, 2, 0, 1, 4]), torch.tensor([3, 3, 3, 1, 0, 4])
    graph = graphs.view_of(Adjacency.from_edges(sources, targets, 5))
    order = torch.arange(5)
    nodes = TopKPooling().select(graph, torch.tensor([4]), Draw(order, 1))
    assert nodes.tolist() == [3, 0, 1, 2]
    assert ReleasedTopKPooling().score(graph.adjacency).tolist() == [2, 2, 1, 0, 1]


def test_the_hybrid_takes_turns_and_starts_anew_with_the_numbers(graphs) -> None:
    graph = graphs.view_of(graphs.random_adjacency(80, 200, True, 0))
    for number in (0, 1, 2, 3, 0):
        expected = SubgraphPooling() if number % 2 else RandomPooling()
        chosen = select(HybridPooling(SubgraphPooling()), graph, 1, seed=number, number=number)
        assert torch.equal(chosen, select(expected, graph, 1, seed=number))


def hops_from(adjacency, centre: int) -> torch.Tensor:
    """Steps to a centre over edges in both directions, a large number where there is no way."""
    far = adjacency.rows + 1
    hops = torch.full((adjacency.rows,), far)
    hops[centre] = 0
    rows, columns = adjacency.row_of_entry(), adjacency.indices.long()
    for _ in range(adjacency.rows):
        for left, right in ((rows, columns), (columns, rows)):
            hops = hops.scatter_reduce(0, left, hops[right] + 1, "amin")
    return hops.clamp(max=far)


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_subgraph_is_whole_shells_and_part_of_the_last(graphs, symmetric: bool) -> None:
    graph = graphs.view_of(graphs.random_adjacency(60, 150, symmetric, 4))
    for seed in range(10):
        nodes = select(SubgraphPooling(), graph, 2, seed)
        centre = int(torch.randperm(60, generator=torch.Generator().manual_seed(seed))[0])
        hops = hops_from(graph.adjacency, centre)
        outermost = int(hops[nodes].max())
        assert nodes.numel() == 15 and centre in nodes.tolist()
        assert torch.isin((hops < outermost).nonzero().squeeze(1), nodes).all()


def test_the_last_shell_is_sampled_uniformly(graphs) -> None:
    leaves = torch.arange(1, 9)
    hub = torch.zeros(8, dtype=torch.int64)
    star = Adjacency.from_edges(torch.cat([leaves, hub]), torch.cat([hub, leaves]), 9, symmetric=True)
    graph, counts, generator = graphs.view_of(star), torch.zeros(9), torch.Generator().manual_seed(0)
    pooling = SubgraphPooling()
    pooling.prepare(graph)
    draws = 2000
    for _ in range(draws):
        counts[pooling.select(graph, torch.tensor([4]), Draw(torch.randperm(9, generator=generator), 1))] += 1
    # the hub is always found; by symmetry the three other places are shared by all leaves
    assert counts[0] == draws
    assert ((counts[1:] / draws - 3 / 8).abs() < 4 * (3 / 8 * 5 / 8 / draws) ** 0.5).all()


def test_an_exhausted_component_is_taken_whole_and_the_search_goes_on(graphs) -> None:
    # ten triangles: five whole ones and then one node
    triangle = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
    ends = torch.cat([triangle + 3 * number for number in range(10)], 1)
    graph = graphs.view_of(Adjacency.from_edges(ends[0], ends[1], 30, symmetric=True))
    pooling = SubgraphPooling()
    pooling.prepare(graph)
    for seed in range(20):
        order = torch.randperm(30, generator=torch.Generator().manual_seed(seed))
        nodes = pooling.select(graph, torch.tensor([16]), Draw(order, 1))
        found = torch.bincount(torch.bincount(nodes // 3, minlength=10), minlength=4)
        assert found.tolist() == [4, 1, 0, 5]


def test_isolated_nodes_are_pooled_too(graphs) -> None:
    nothing = torch.empty(0, dtype=torch.int64)
    graph = graphs.view_of(Adjacency.from_edges(nothing, nothing, 12, symmetric=True))
    assert select(SubgraphPooling(), graph, 1).numel() == 6
    assert select(TopKPooling(), graph, 1).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("centre", "level", "expected"), [(50, 2, 9), (0, 2, 5), (50, 3, 5), (99, 3, 3), (50, 1, 13)])
def test_released_ego_nets_on_a_path(graphs, centre: int, level: int, expected: int) -> None:
    graph = graphs.view_of(graphs.path_of(100))
    order = torch.cat([torch.tensor([centre]), torch.arange(100)[torch.arange(100) != centre]])
    nodes = EgoNetPooling().select(graph, torch.tensor([50]), Draw(order, level))
    assert nodes.numel() == expected
    assert (nodes - centre).abs().max() == 8 - 2 * level


def test_released_ego_nets_follow_stored_directions_and_redraw_lonely_centres(graphs) -> None:
    # 0 -> 1 -> 2; nothing reaches 0
    graph = graphs.view_of(Adjacency.from_edges(torch.tensor([0, 1]), torch.tensor([1, 2]), 3))
    assert EgoNetPooling().select(graph, torch.tensor([1]), Draw(torch.tensor([1, 0, 2]), 3)).tolist() == [0, 1]
    assert EgoNetPooling().select(graph, torch.tensor([1]), Draw(torch.tensor([0, 2, 1]), 3)).tolist() == [0, 1, 2]


def test_a_cluster_subgraph_is_whole_clusters_and_a_random_part_of_the_last(graphs) -> None:
    graph = graphs.view_of(graphs.random_adjacency(200, 800, True, 0))
    pooling = ClusterPooling(10, seed=1)
    seen = set()
    for seed in range(30):
        nodes = select(pooling, graph, 1, seed)
        counts = torch.bincount(pooling.part[nodes], minlength=10)
        sizes = torch.bincount(pooling.part, minlength=10)
        assert int(((counts > 0) & (counts < sizes)).sum()) <= 1
        seen |= set(pooling.part[nodes].tolist())
    assert seen == set(range(10))


def test_cluster_subgraphs_keep_more_edges_than_random_nodes(graphs) -> None:
    ring = torch.arange(400)
    band = torch.cat([torch.stack([ring, (ring + step) % 400]) for step in (1, 2, 3)], 1)
    both = torch.cat([band, band.flip(0)], 1)
    graph = graphs.view_of(Adjacency.from_edges(both[0], both[1], 400, symmetric=True))
    kept = [
        graph.induced(select(make(), graph, 1)).num_edges for make in (lambda: ClusterPooling(16, 0), RandomPooling)
    ]
    assert kept[0] > 1.5 * kept[1]

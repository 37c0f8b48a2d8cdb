"""Neighbour sampling: uniform, without replacement, unbiased, and exact where all neighbours fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch_geometric.sampler
import torch_geometric.typing
from torch_geometric.sampler import NodeSamplerInput, SamplerOutput

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.errors import MethodError
from methods.method import Method
from methods.strategies.sampling import neighbor_sampling, pyg_neighbors
from methods.strategies.sampling.neighbor_sampling import NeighborSampling, draw_neighbors, draw_subsets


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def weighted(adjacency: Adjacency) -> Adjacency:
    values = torch.rand(adjacency.entries, generator=seeded(9)) + 0.5
    return Adjacency(adjacency.indptr, adjacency.indices, adjacency.columns, values)


def gradients(model: torch.nn.Module, problem: Any, view: Any) -> torch.Tensor:
    model.zero_grad()
    problem.loss(model(view), view).backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])


def test_subsets_are_sets_and_equally_likely() -> None:
    chosen = draw_subsets(torch.full((40_000,), 6), 3, seeded()).sort(0).values
    assert (chosen.diff(dim=0) > 0).all() and chosen.min() == 0 and chosen.max() == 5
    _, counts = (chosen * torch.tensor([[36], [6], [1]])).sum(0).unique(return_counts=True)
    assert len(counts) == 20
    # chi-square with 19 degrees of freedom: beyond 43.8 once in a thousand
    assert float(((counts - 2000) ** 2 / 2000).sum()) < 43.8


def test_subsets_of_unequal_and_huge_sets() -> None:
    sizes = torch.tensor([3, 4, 1_000_000_000])
    chosen = draw_subsets(sizes, 3, seeded())
    assert sorted(chosen[:, 0].tolist()) == [0, 1, 2]
    assert (chosen < sizes).all() and chosen[:, 2].max() > 10_000_000


def test_small_rows_come_whole_and_large_ones_in_part(uneven: Adjacency) -> None:
    rows = torch.tensor([55, 0, 3])
    drawn = draw_neighbors(uneven, rows, 9, seeded())
    degrees = uneven.degrees()[rows]
    assert drawn.sizes.tolist() == degrees.clamp(max=9).tolist()
    assert drawn.factors.tolist() == pytest.approx([0.0, 60 / 9, max(1.0, int(degrees[2]) / 9)])
    owners = uneven.row_of_entry()[drawn.entries]
    assert owners.tolist() == torch.repeat_interleave(rows, drawn.sizes).tolist()
    assert drawn.entries.unique().numel() == drawn.entries.numel()


@pytest.mark.parametrize("backbone", ["gcn", "sage", "gat(heads=2)", "gin"])
@pytest.mark.parametrize("values", [False, True])
def test_with_all_neighbours_and_all_seeds_it_is_full_batch(random_graph, pose, epoch, backbone, values) -> None:
    adjacency = weighted(random_graph) if values else random_graph
    problem = pose(adjacency, torch.tensor([2, 0, 7, 30, 37]), hops=None)
    name, _, rest = backbone.partition("(")
    method = Method.parse(f"{name}(layers=3,hidden=8,dropout=0.0{',' + rest if rest else ')'}")
    torch.manual_seed(0)
    model = method.build_backbone(problem)
    problem = replace(problem, hops=model.hops)
    strategy = NeighborSampling(neighbors=40, batch_size=100)
    strategy.prepare(problem)
    (view,) = epoch(strategy, problem)
    assert view.num_nodes < 40 and not view.adjacency.symmetric
    whole, sampled = model(problem.graph), model(view)
    assert torch.allclose(sampled[:5], whole[view.nodes[:5]], atol=1e-5)
    assert torch.allclose(
        gradients(model, problem, view), gradients(model, problem, problem.graph), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("kind", ["symmetric", "mean", "none"])
@pytest.mark.parametrize("values", [False, True])
def test_operators_are_estimated_without_bias(random_graph, pose, epoch, far_from, kind, values) -> None:
    adjacency = weighted(random_graph) if values else random_graph
    problem = pose(adjacency)
    strategy = NeighborSampling(neighbors=3, hops=1)
    strategy.prepare(problem)
    loops = kind == "symmetric"
    truth = aggregate(adjacency.normalized(kind, loops), problem.graph.x)
    draws = []
    for _ in range(300):
        (view,) = epoch(strategy, problem)
        operator = view.adjacency.normalized(kind, loops)
        draws.append(aggregate(operator, view.x)[view.nodes.argsort()])
    assert far_from(draws, truth) < 4.5  # the largest of 200 elements


def test_a_view_is_seeds_first_with_edges_of_the_graph(random_graph, pose, epoch) -> None:
    problem = pose(random_graph, torch.arange(0, 40, 3))
    strategy = NeighborSampling(neighbors=2, batch_size=5)
    strategy.prepare(problem)
    views = epoch(strategy, problem)
    assert [int(view.train_mask.sum()) for view in views] == [5, 5, 4]
    edges = set(zip(random_graph.row_of_entry().tolist(), random_graph.indices.tolist(), strict=True))
    for view in views:
        count = int(view.train_mask.sum())
        assert view.train_mask[:count].all() and view.nodes.unique().numel() == view.num_nodes
        assert torch.equal(view.x, problem.graph.x[view.nodes]) and torch.equal(view.y, problem.graph.y[view.nodes])
        rows, columns = view.nodes[view.adjacency.row_of_entry()], view.nodes[view.adjacency.indices.long()]
        drawn = list(zip(rows.tolist(), columns.tolist(), strict=True))
        assert len(set(drawn)) == len(drawn) and set(drawn) <= edges
        assert view.adjacency.degrees().max() <= 2
        assert view.adjacency.row_sums.tolist() == random_graph.degrees()[view.nodes].tolist()
    seeds = torch.cat([view.nodes[view.train_mask] for view in views])
    assert sorted(seeds.tolist()) == list(range(0, 40, 3))
    assert strategy.facts() == {
        "steps_per_epoch": 3.0,
        "mean_nodes": pytest.approx(sum(view.num_nodes for view in views) / 3),
        "mean_edges": pytest.approx(sum(view.num_edges for view in views) / 3),
        "sampler": "torch",
    }


def test_nodes_of_the_last_hop_are_not_expanded(pose, epoch) -> None:
    line = torch.arange(6)
    chain = Adjacency.from_edges(line[:-1], line[1:], 6)  # node v hears v - 1
    strategy = NeighborSampling()
    for hops, nodes in ((0, [5]), (1, [5, 4]), (3, [5, 4, 3, 2]), (9, [5, 4, 3, 2, 1, 0])):
        problem = pose(chain, torch.tensor([5]), hops=hops)
        strategy.prepare(problem)
        (view,) = epoch(strategy, problem)
        assert view.nodes.tolist() == nodes and view.num_edges == len(nodes) - 1


def test_hops_given_win_over_the_network_s_and_none_is_an_error(random_graph, pose, epoch) -> None:
    strategy = NeighborSampling(hops=0, batch_size=7)
    problem = pose(random_graph, hops=3)
    strategy.prepare(problem)
    assert [(view.num_nodes, view.num_edges) for view in epoch(strategy, problem)] == [(7, 0)] * 5 + [(5, 0)]
    blind = pose(random_graph, hops=None)
    strategy = NeighborSampling()
    strategy.prepare(blind)
    with pytest.raises(MethodError, match="give the strategy hops=, for example hops=2"):
        epoch(strategy, blind)


class FakeSampler:
    """PyG's sampler in the order of pyg-lib: all neighbours, hop by hop, each node expanded once."""

    def __init__(self, data: Any, num_neighbors: list[int], is_sorted: bool) -> None:
        assert is_sorted and (data.edge_index[1].diff() >= 0).all()
        self.data, self.num_neighbors = data, num_neighbors

    def sample_from_nodes(self, inputs: NodeSamplerInput) -> SamplerOutput:
        torch.rand(3)  # as the compiled code draws from the global generator
        nodes, rows, columns, edges, begin = inputs.node.tolist(), [], [], [], 0
        for _ in self.num_neighbors:
            end = len(nodes)
            for local in range(begin, end):
                for edge in (self.data.edge_index[1] == nodes[local]).nonzero().squeeze(1).tolist():
                    source = int(self.data.edge_index[0, edge])
                    if source not in nodes:
                        nodes.append(source)
                    rows.append(nodes.index(source))
                    columns.append(local)
                    edges.append(edge)
            begin = end
        return SamplerOutput(*(torch.tensor(part, dtype=torch.int64) for part in (nodes, rows, columns, edges)))


def test_pyg_s_compiled_sampler_gives_the_same_view(random_graph, pose, epoch, monkeypatch) -> None:
    problem = pose(weighted(random_graph), torch.tensor([4, 9]))
    ours = NeighborSampling(neighbors=40)
    ours.prepare(problem)
    monkeypatch.setattr(neighbor_sampling, "has_compiled_sampler", lambda: True)
    monkeypatch.setattr(torch_geometric.sampler, "NeighborSampler", FakeSampler)
    theirs = NeighborSampling(neighbors=40)
    theirs.prepare(problem)
    assert (ours.facts()["sampler"], theirs.facts()["sampler"]) == ("torch", "pyg")
    before = torch.get_rng_state()
    (view,) = epoch(theirs, replace(problem, generator=seeded(1)))
    assert torch.equal(torch.get_rng_state(), before)
    (own,) = epoch(ours, replace(problem, generator=seeded(1)))
    assert torch.equal(view.nodes, own.nodes) and torch.equal(view.train_mask, own.train_mask)
    for name in ("indptr", "indices", "values", "row_sums"):
        assert torch.allclose(getattr(view.adjacency, name), getattr(own.adjacency, name))


def test_a_companion_counts_where_pyg_can_load_it(monkeypatch) -> None:
    for installed in (False, True):
        for loads in (False, True):
            monkeypatch.setattr(pyg_neighbors, "find_spec", lambda name, there=installed: there or None)
            monkeypatch.setattr(torch_geometric.typing, "WITH_TORCH_SPARSE", loads)
            assert pyg_neighbors.has_compiled_sampler() == (installed and loads)

"""GATv2: against PyG's layers with the same weights, its parameters, and what a graph's symmetries demand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torch_geometric.nn import GATv2Conv

from methods.adjacency import Adjacency
from methods.backbones.gatv2 import GATv2
from methods.errors import SpecError
from methods.graph import GraphView
from methods.method import Method
from methods.plugin import describe
from methods.problem import Problem

NODES, FEATURES, CLASSES, HIDDEN = 60, 7, 5, 16


@pytest.fixture
def graph(uneven: Adjacency) -> tuple[Adjacency, Tensor]:
    """A directed graph without self-loops, and its [2, edges] for PyG."""
    sources, targets = uneven.indices.long(), uneven.row_of_entry()
    keep = sources != targets
    edges = torch.stack([sources[keep], targets[keep]])
    return Adjacency.from_edges(edges[0], edges[1], NODES), edges


def randomize(model: nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))


def pairs_of(ours: GATv2, theirs: list[GATv2Conv]) -> list[tuple[nn.Parameter, nn.Parameter]]:
    """Parameters that mean the same; PyG's biases on the input side are set to 0, because ours has none."""
    pairs = []
    for mine, other in zip(ours.body.convolutions, theirs, strict=True):
        pairs += [(mine.source_weight, other.lin_l.weight), (mine.attention, other.att), (mine.bias, other.bias)]
        if mine.target_weight is not None:
            pairs.append((mine.target_weight, other.lin_r.weight))
        nn.init.zeros_(other.lin_l.bias)
        nn.init.zeros_(other.lin_r.bias)
    return pairs


@pytest.mark.parametrize("self_loops", [False, True])
@pytest.mark.parametrize(("heads", "output_heads"), [(1, 1), (4, 1), (4, 3)])
@pytest.mark.parametrize("share_weights", [False, True])
def test_equals_pyg(
    graph: tuple[Adjacency, Tensor], share_weights: bool, heads: int, output_heads: int, self_loops: bool
) -> None:
    adjacency, edges = graph
    same: dict[str, Any] = {"share_weights": share_weights}
    ours = GATv2(
        FEATURES, CLASSES, hidden=HIDDEN, heads=heads, output_heads=output_heads, self_loops=self_loops, **same
    ).eval()
    same["add_self_loops"] = self_loops
    theirs = [
        GATv2Conv(FEATURES, HIDDEN // heads, heads, **same),
        GATv2Conv(HIDDEN, HIDDEN // heads, heads, **same),
        GATv2Conv(HIDDEN, CLASSES, output_heads, concat=False, **same),
    ]
    randomize(ours)
    pairs = pairs_of(ours, theirs)
    assert {id(mine) for mine, _ in pairs} == {id(parameter) for parameter in ours.parameters()}
    with torch.no_grad():
        for mine, other in pairs:
            other.copy_(mine.view_as(other))
    x = torch.randn(NODES, FEATURES, generator=torch.Generator().manual_seed(1))
    expected = theirs[2](relu(theirs[1](relu(theirs[0](x, edges)), edges)), edges)
    logits = ours.node_outputs(x, adjacency)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    weights = torch.randn(NODES, CLASSES, generator=torch.Generator().manual_seed(2))
    left = torch.autograd.grad((logits * weights).sum(), [mine for mine, _ in pairs])
    right = torch.autograd.grad((expected * weights).sum(), [other for _, other in pairs])
    for mine_gradient, other_gradient in zip(left, right, strict=True):
        torch.testing.assert_close(mine_gradient, other_gradient.view_as(mine_gradient), atol=2e-4, rtol=1e-4)


def test_renaming_the_nodes_renames_the_outputs(graph: tuple[Adjacency, Tensor]) -> None:
    adjacency, edges = graph
    name = torch.randperm(NODES, generator=torch.Generator().manual_seed(5))
    renamed = Adjacency.from_edges(name[edges[0]], name[edges[1]], NODES)
    model = GATv2(FEATURES, CLASSES, hidden=HIDDEN).eval()
    x = torch.randn(NODES, FEATURES)
    moved = torch.empty_like(x)
    moved[name] = x
    torch.testing.assert_close(model.node_outputs(moved, renamed)[name], model.node_outputs(x, adjacency))


def test_without_self_loops_a_lonely_node_gets_the_bias(graph: tuple[Adjacency, Tensor]) -> None:
    model = GATv2(FEATURES, CLASSES, layers=1, self_loops=False).eval()
    randomize(model)
    out = model.node_outputs(torch.randn(NODES, FEATURES), graph[0])
    lonely = graph[0].degrees() == 0
    assert lonely.any() and torch.equal(out[lonely], model.body.convolutions[0].bias.expand(int(lonely.sum()), -1))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [(8, 4), (8, 4), (2, 4), (8,), (3, 8), (3, 8), (1, 3), (3,)]),
        ({"share_weights": True}, [(8, 4), (2, 4), (8,), (3, 8), (1, 3), (3,)]),
        ({"share_weights": True, "bias": False, "output_heads": 2}, [(8, 4), (2, 4), (6, 8), (2, 3)]),
    ],
)
def test_parameters(options: dict[str, Any], expected: list[tuple[int, ...]], graph: tuple[Adjacency, Tensor]) -> None:
    model = GATv2(4, 3, layers=2, hidden=8, heads=2, **options)
    assert [tuple(parameter.shape) for parameter in model.parameters()] == expected
    assert model.node_outputs(torch.randn(NODES, 4), graph[0]).shape == (NODES, 3)
    declared = [
        parameter
        for layer in model.invariance().layers
        for parameter in (*layer.weights, *layer.attention, *layer.biases)
    ]
    assert [id(parameter) for parameter in declared] == [id(parameter) for parameter in model.parameters()]


@pytest.mark.parametrize(
    "options",
    [{"bias": False}, {"bias": False, "share_weights": True, "activation": "elu"}, {"attention_dropout": 0.5}],
)
def test_one_seed_gives_one_step(options: dict[str, Any], graph: tuple[Adjacency, Tensor]) -> None:
    """Also where the activation works in place on what a convolution without bias returns."""
    x = torch.randn(NODES, FEATURES, generator=torch.Generator().manual_seed(1))

    def step() -> dict[str, Tensor]:
        torch.manual_seed(3)
        model = GATv2(FEATURES, CLASSES, hidden=HIDDEN, **options).train()
        model.node_outputs(x, graph[0]).square().sum().backward()
        return {name: parameter.grad for name, parameter in model.named_parameters()}

    first, second = step(), step()
    for name, gradient in first.items():
        assert gradient.any() and torch.equal(gradient, second[name]), name


@pytest.mark.parametrize("style", ["norm=batch,residual=true,head=linear", "block=feed_forward,norm=layer"])
def test_the_loss_falls(style: str, graph: tuple[Adjacency, Tensor]) -> None:
    x = torch.randn(NODES, FEATURES, generator=torch.Generator().manual_seed(1))
    view = GraphView(x, graph[0], (x[:, 0] > 0).long(), torch.ones(NODES, dtype=torch.bool))
    posed = Problem(view, "multiclass", 2, torch.Generator())
    torch.manual_seed(0)
    model = Method.parse(f"gatv2(layers=2,hidden=16,attention_dropout=0.2,dropout=0.2,{style})").build_backbone(posed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    seen = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = posed.loss(model(view), view)
        loss.backward()
        optimizer.step()
        seen.append(float(loss.detach()))
    assert sum(seen[-5:]) < 0.9 * sum(seen[:5])


def test_the_mixer_of_the_feed_forward_style_keeps_the_width() -> None:
    mixer, width = GATv2(4, 2, hidden=16, heads=4, share_weights=True).mixer(16)
    assert width == 16 and mixer.attention.shape == (4, 4) and mixer.target_weight is None


def test_a_width_that_heads_cannot_share_is_refused() -> None:
    with pytest.raises(SpecError, match=r"gatv2\(hidden=10,heads=4\) is not possible; hidden must be a multiple"):
        GATv2(4, 2, hidden=10, heads=4)


def test_it_says_what_it_is() -> None:
    assert describe("gatv2").endswith("(Brody et al. 2022).")

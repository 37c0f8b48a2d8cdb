"""Backbones compute what stacks of PyG's layers compute with the same weights: logits and gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torch_geometric import nn as pyg

from methods.adjacency import Adjacency
from methods.backbones.appnp import APPNP
from methods.backbones.gat import GAT
from methods.backbones.gcn import GCN
from methods.backbones.gcnii import GCNII
from methods.backbones.gin import GIN
from methods.backbones.sage import SAGE

NODES, FEATURES, CLASSES, HIDDEN = 60, 7, 5, 16
Pairs = list[tuple[nn.Parameter, Tensor]]


@pytest.fixture
def graph(uneven: Adjacency) -> tuple[Adjacency, Tensor]:
    """A directed graph without self-loops, and its [2, edges] for PyG."""
    sources, targets = uneven.indices.long(), uneven.row_of_entry()
    keep = sources != targets
    edges = torch.stack([sources[keep], targets[keep]])
    return Adjacency.from_edges(edges[0], edges[1], NODES), edges


def check(ours: nn.Module, theirs: Callable[[Tensor], Tensor], pairs: Pairs, adjacency: Adjacency) -> None:
    """Give both random weights, then compare logits and the gradients of a random projection of them."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for mine, other in pairs:
            mine.copy_(0.5 * torch.randn(mine.shape, generator=generator))
            other.copy_(mine.view_as(other))
    given = {id(mine) for mine, _ in pairs}
    assert given == {id(parameter) for parameter in ours.parameters()}, "every parameter is compared"
    x = torch.randn(NODES, FEATURES, generator=generator)
    ours.eval()
    logits, expected = ours.node_outputs(x, adjacency), theirs(x)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    weights = torch.randn(NODES, CLASSES, generator=generator)
    left = torch.autograd.grad((logits * weights).sum(), [mine for mine, _ in pairs])
    right = torch.autograd.grad((expected * weights).sum(), [other for _, other in pairs])
    for mine, other in zip(left, right, strict=True):
        torch.testing.assert_close(mine, other.view_as(mine), atol=2e-4, rtol=1e-4)


def stack(layers: list[nn.Module], edges: Tensor) -> Callable[[Tensor], Tensor]:
    def forward(x: Tensor) -> Tensor:
        for layer in layers[:-1]:
            x = relu(layer(x, edges))
        return layers[-1](x, edges)

    return forward


WIDTHS = [(FEATURES, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, CLASSES)]


def test_gcn(graph: tuple[Adjacency, Tensor]) -> None:
    adjacency, edges = graph
    ours = GCN(FEATURES, CLASSES, hidden=HIDDEN)
    layers = [pyg.GCNConv(wide, narrow) for wide, narrow in WIDTHS]
    pairs: Pairs = []
    for mine, other in zip(ours.body.convolutions, layers, strict=True):
        pairs += [(mine.weight, other.lin.weight), (mine.bias, other.bias)]
    check(ours, stack(layers, edges), pairs, adjacency)


def test_sage(graph: tuple[Adjacency, Tensor]) -> None:
    adjacency, edges = graph
    ours = SAGE(FEATURES, CLASSES, hidden=HIDDEN)
    layers = [pyg.SAGEConv(wide, narrow) for wide, narrow in WIDTHS]
    pairs: Pairs = []
    for mine, other in zip(ours.body.convolutions, layers, strict=True):
        pairs += [
            (mine.of_neighbors.weight, other.lin_l.weight),
            (mine.of_neighbors.bias, other.lin_l.bias),
            (mine.of_self.weight, other.lin_r.weight),
        ]
    check(ours, stack(layers, edges), pairs, adjacency)


@pytest.mark.parametrize("output_heads", [1, 3])
def test_gat(graph: tuple[Adjacency, Tensor], output_heads: int) -> None:
    adjacency, edges = graph
    ours = GAT(FEATURES, CLASSES, hidden=HIDDEN, heads=4, output_heads=output_heads)
    layers = [
        pyg.GATConv(FEATURES, HIDDEN // 4, 4),
        pyg.GATConv(HIDDEN, HIDDEN // 4, 4),
        pyg.GATConv(HIDDEN, CLASSES, output_heads, concat=False),
    ]
    pairs: Pairs = []
    for mine, other in zip(ours.body.convolutions, layers, strict=True):
        pairs += [
            (mine.weight, other.lin.weight),
            (mine.source_attention, other.att_src),
            (mine.target_attention, other.att_dst),
            (mine.bias, other.bias),
        ]
    check(ours, stack(layers, edges), pairs, adjacency)


@pytest.mark.parametrize("learn_epsilon", [False, True])
def test_gin(graph: tuple[Adjacency, Tensor], learn_epsilon: bool) -> None:
    adjacency, edges = graph
    ours = GIN(FEATURES, CLASSES, hidden=HIDDEN, learn_epsilon=learn_epsilon)
    perceptrons = [
        nn.Sequential(nn.Linear(wide, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, narrow)) for wide, narrow in WIDTHS
    ]
    layers = [pyg.GINConv(perceptron, train_eps=learn_epsilon) for perceptron in perceptrons]
    pairs: Pairs = []
    for mine, other in zip(ours.body.convolutions, layers, strict=True):
        pairs += [(mine.first.weight, other.nn[0].weight), (mine.first.bias, other.nn[0].bias)]
        pairs += [(mine.second.weight, other.nn[2].weight), (mine.second.bias, other.nn[2].bias)]
        pairs += [(mine.total.epsilon, other.eps)] if learn_epsilon else []
    check(ours, stack(layers, edges), pairs, adjacency)


def test_appnp(graph: tuple[Adjacency, Tensor]) -> None:
    adjacency, edges = graph
    ours = APPNP(FEATURES, CLASSES, hidden=HIDDEN, steps=6, alpha=0.2)
    first, second, spread = nn.Linear(FEATURES, HIDDEN), nn.Linear(HIDDEN, CLASSES), pyg.APPNP(6, 0.2)
    pairs = [
        pair
        for mine, other in zip(ours.linears, (first, second), strict=True)
        for pair in ((mine.weight, other.weight), (mine.bias, other.bias))
    ]
    check(ours, lambda x: spread(second(relu(first(x))), edges), pairs, adjacency)


def test_gcnii(graph: tuple[Adjacency, Tensor]) -> None:
    adjacency, edges = graph
    ours = GCNII(FEATURES, CLASSES, hidden=HIDDEN, layers=4, alpha=0.2, theta=0.7)
    encoder, decoder = nn.Linear(FEATURES, HIDDEN), nn.Linear(HIDDEN, CLASSES)
    layers = [pyg.GCN2Conv(HIDDEN, alpha=0.2, theta=0.7, layer=number) for number in range(1, 5)]

    def theirs(x: Tensor) -> Tensor:
        initial = relu(encoder(x))
        x = initial
        for layer in layers:
            x = relu(layer(x, initial, edges))
        return decoder(x)

    pairs: Pairs = [(ours.encoder.weight, encoder.weight), (ours.encoder.bias, encoder.bias)]
    pairs += [(ours.decoder.weight, decoder.weight), (ours.decoder.bias, decoder.bias)]
    for mine, layer in zip(ours.weights, layers, strict=True):
        # PyG multiplies from the right, so its square weight becomes a view of one that is stored like ours
        weight = nn.Parameter(torch.empty(HIDDEN, HIDDEN))
        del layer.weight1
        layer.weight1 = weight.T
        pairs.append((mine.weight, weight))
    check(ours, theirs, pairs, adjacency)

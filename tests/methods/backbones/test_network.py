"""The stack that most backbones share: widths, styles, and combinations that make no sense."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from methods.adjacency import Adjacency
from methods.backbones.gat import GAT
from methods.backbones.gcn import GCN, GCNConvolution
from methods.backbones.mlp import MLP
from methods.backbones.network import make_norm
from methods.errors import SpecError
from methods.method import Method
from methods.plugin import find


def shapes(model: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in model.parameters()]


def test_layers_count_the_output_layer_unless_a_linear_head_follows() -> None:
    assert shapes(GCN(4, 2, layers=2, hidden=8)) == [(8, 4), (8,), (2, 8), (2,)]
    assert shapes(GCN(4, 2, layers=1, hidden=8)) == [(2, 4), (2,)]
    assert shapes(GCN(4, 2, layers=1, hidden=8, head="linear")) == [(8, 4), (8,), (2, 8), (2,)]


def test_the_heads_of_gat_share_the_hidden_width() -> None:
    first, last = GAT(4, 3, layers=2, hidden=8, heads=2).body.convolutions
    assert (first.heads, first.channels, first.average) == (2, 4, False)
    assert (last.heads, last.channels, last.average) == (1, 3, True)


def test_combinations_that_make_no_sense_are_refused() -> None:
    with pytest.raises(SpecError, match="hidden must be a multiple of heads"):
        GAT(4, 2, hidden=10, heads=4)
    for wrong in (
        {"residual": True},
        {"head": "linear"},
        {"input_dropout": 0.1},
        {"activation": "tanh"},
        {"initialization": "looks_linear"},
    ):
        with pytest.raises(SpecError, match="block=feed_forward has its own residual, head, activation and initializ"):
            GCN(4, 2, block="feed_forward", **wrong)


def test_plain_blocks_by_hand() -> None:
    """One hidden unit without edges: relu(w x + b) through the residual and the linear head."""
    model = MLP(1, 1, layers=1, hidden=1, residual=True, head="linear", dropout=0.5).eval()
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), (2.0, 1.0, -3.0, 0.5, 10.0, 7.0), strict=True):
            parameter.fill_(value)
    empty = Adjacency(torch.zeros(3, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 2)
    # update = 2x + 1 - 3x + 0.5; out = 10 relu(update) + 7
    out = model.node_outputs(torch.tensor([[1.0], [2.0]]), empty)
    assert out.flatten().tolist() == [10 * 0.5 + 7, 7.0]


@pytest.mark.parametrize(
    ("activation", "apply"),
    [
        ("relu", lambda z: max(z, 0.0)),
        ("leaky_relu", lambda z: z if z > 0 else 0.01 * z),
        ("elu", lambda z: z if z > 0 else math.expm1(z)),
        ("tanh", math.tanh),
    ],
)
def test_activations_by_hand(activation: str, apply: Callable[[float], float]) -> None:
    """One hidden unit: 3 activation(2 x + 1) - 1, and no activation behind the last layer."""
    model = MLP(1, 1, layers=2, hidden=1, dropout=0.5, activation=activation).eval()
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), (2.0, 1.0, 3.0, -1.0), strict=True):
            parameter.fill_(value)
    empty = Adjacency(torch.zeros(3, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 2)
    out = model.node_outputs(torch.tensor([[1.0], [-1.5]]), empty)
    assert out.flatten().tolist() == pytest.approx([3 * apply(3.0) - 1, 3 * apply(-2.0) - 1])


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "tanh"])
@pytest.mark.parametrize("name", ["gcn", "sage", "gin", "gat", "gatv2", "mlp"])
def test_every_stack_takes_every_activation_and_drops_behind_it(name: str, activation: str, path: Adjacency) -> None:
    torch.manual_seed(0)
    method = Method.parse(f"{name}(layers=2,hidden=16,dropout=0.5,activation={activation})")
    assert (
        method.name
        == f"{name}(layers=2,hidden=16" + ("" if activation == "relu" else f",activation={activation}") + ")+full_batch"
    )
    model = find(name)[1](4, 2, **method.backbone.parameters)
    x = torch.randn(3, 4)
    assert not torch.equal(model.node_outputs(x, path), model.node_outputs(x, path)), "dropout"
    model.eval()
    assert torch.equal(model.node_outputs(x, path), model.node_outputs(x, path))
    model.train()
    model.node_outputs(x, path).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_an_activation_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SpecError, match="choose from: relu, leaky_relu, elu, tanh"):
        Method.parse("gcn(activation=gelu)")


def test_both_orders_of_multiplication_agree(path: Adjacency) -> None:
    x = torch.randn(3, 5)
    operator = path.normalized("symmetric", self_loops=True).sparse_tensor().to_dense()
    for width in (2, 9):
        layer = GCNConvolution(5, width)
        nn.init.normal_(layer.bias)
        torch.testing.assert_close(layer(x, path), operator @ x @ layer.weight.T + layer.bias)


def test_norms() -> None:
    assert isinstance(make_norm("none", 3), nn.Identity)
    assert isinstance(make_norm("batch", 3), nn.BatchNorm1d)
    assert isinstance(make_norm("layer", 3), nn.LayerNorm)

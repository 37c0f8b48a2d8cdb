"""Initialisations of whole networks: mirrored blocks, and balance from the start."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.backbones.gat import GAT
from methods.backbones.gatv2 import GATv2
from methods.backbones.gcn import GCN
from methods.backbones.gin import GIN
from methods.backbones.mlp import MLP
from methods.backbones.network import Convolution, Network
from methods.backbones.sage import SAGE
from methods.errors import SpecError

STACKS: list[type[Network]] = [GAT, GATv2, GCN, SAGE, GIN, MLP]
FEATURES, HIDDEN, CLASSES = 7, 16, 3


def network(kind: type[Network], how: str, **parameters: object) -> Network:
    torch.manual_seed(0)
    chosen = {"layers": 4, "hidden": HIDDEN, "dropout": 0.0, **parameters}
    return kind(FEATURES, CLASSES, initialization=how, **chosen).double().eval()  # type: ignore[arg-type]


def orthogonal(block: Tensor) -> bool:
    """Whether the shorter side of a block is orthonormal."""
    gram = block @ block.t() if block.shape[0] <= block.shape[1] else block.t() @ block
    return torch.allclose(gram, torch.eye(gram.shape[0], dtype=gram.dtype), atol=1e-5)


@pytest.mark.parametrize("kind", STACKS)
def test_blocks_are_mirrored_and_orthogonal(kind: type[Network]) -> None:
    first, *middle, last = network(kind, "looks_linear").invariance().layers
    for weight in first.weights:
        upper, lower = weight.detach().chunk(2, 0)
        assert torch.equal(lower, -upper)
        assert orthogonal(upper)
        assert upper.shape == (HIDDEN // 2, FEATURES)
    for layer in middle:
        for weight in layer.weights:
            upper, lower = weight.detach().chunk(2, 0)
            left, right = upper.chunk(2, 1)
            assert torch.equal(right, -left)
            assert torch.equal(lower, -upper)
            assert orthogonal(left)
    for weight in last.weights:
        left, right = weight.detach().chunk(2, 1)
        assert torch.equal(right, -left)
        assert orthogonal(left)
        assert left.shape == (CLASSES, HIDDEN // 2)


def test_matrices_side_by_side_are_drawn_apart() -> None:
    for layer in network(SAGE, "looks_linear").invariance().layers:
        of_neighbors, of_self = layer.weights
        assert not torch.allclose(of_neighbors, of_self)


@pytest.mark.parametrize("kind", STACKS)
def test_without_attention_the_network_is_linear(kind: type[Network], uneven: Adjacency) -> None:
    model = network(kind, "looks_linear")
    for layer in model.invariance().layers:
        for attention in layer.attention:
            torch.nn.init.zeros_(attention)
    generator = torch.Generator().manual_seed(1)
    left, right = torch.randn(2, 60, FEATURES, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        both = model.node_outputs(2.0 * left - 3.0 * right, uneven)
        apart = 2.0 * model.node_outputs(left, uneven) - 3.0 * model.node_outputs(right, uneven)
    torch.testing.assert_close(both, apart, atol=1e-10, rtol=1e-10)
    assert float(both.abs().max()) > 0.1


def test_the_default_is_not_linear(uneven: Adjacency) -> None:
    model = network(GCN, "default")
    x = torch.randn(60, FEATURES, dtype=torch.float64)
    with torch.no_grad():
        assert float((model.node_outputs(x, uneven) + model.node_outputs(-x, uneven)).abs().max()) > 1e-2


@pytest.mark.parametrize("heads", [1, 4])
def test_attention_is_normal_with_variance_one_over_channels(heads: int) -> None:
    model = network(GAT, "looks_linear", hidden=1024, heads=heads, layers=2)
    for attention in model.invariance().layers[0].attention:
        attention = attention.detach()
        assert float(attention.std()) == pytest.approx((heads / 1024) ** 0.5, rel=0.1)
        assert abs(float(attention.mean())) < 4 * float(attention.std()) / 32
        assert float(attention.abs().max()) > 2.5 * float(attention.std()), "a uniform draw has no tails"


@pytest.mark.parametrize("how", ["looks_linear", "balanced"])
@pytest.mark.parametrize("kind", STACKS)
def test_biases_are_zero(kind: type[Network], how: str) -> None:
    for layer in network(kind, how).invariance().layers:
        assert all(not bool(bias.any()) for bias in layer.biases)


@pytest.mark.parametrize("how", ["looks_linear", "balanced"])
@pytest.mark.parametrize("kind", [GCN, SAGE, MLP])
def test_an_odd_width_is_refused_and_an_odd_number_of_features_or_classes_is_not(kind: type[Network], how: str) -> None:
    assert FEATURES % 2 == CLASSES % 2 == 1
    with pytest.raises(SpecError, match=f"initialization={how} mirrors units, so the width 15 must be even"):
        network(kind, how, hidden=15)
    network(kind, how, hidden=15, layers=1)  # no hidden width


@pytest.mark.parametrize("kind", [GAT, GATv2, GCN, SAGE, MLP])
def test_balanced_rows_are_as_long_as_the_columns_that_read_them(kind: type[Network]) -> None:
    invariance = network(kind, "balanced").invariance()
    for index, units in enumerate(invariance.units):
        made = sum(weight.detach().square().sum(1) for weight in units.incoming)
        read = sum(weight.detach().square().sum(0) for weight in units.outgoing)
        torch.testing.assert_close(made, read, rtol=1e-5, atol=0)
        if index == 0:
            torch.testing.assert_close(made, torch.full_like(made, 2.0), rtol=1e-5, atol=0)
    for layer in invariance.layers:
        assert all(not bool(attention.any()) for attention in layer.attention)


@pytest.mark.parametrize("kind", [GIN, GCN])
@pytest.mark.parametrize("how", ["looks_linear", "balanced"])
def test_residuals_are_no_chain(kind: type[Network], how: str) -> None:
    with pytest.raises(SpecError, match=f"initialization={how} is for a chain of layers; leave out residual"):
        network(kind, how, residual=True)


def test_a_convolution_without_declared_layers_has_no_units_and_cannot_be_drawn_again() -> None:
    class Foreign(GCN):
        def convolution(self, in_features: int, out_features: int, last: bool) -> Convolution:
            convolution = super().convolution(in_features, out_features, last)
            convolution.layers = list  # type: ignore[method-assign]
            return convolution

    assert network(Foreign, "default").invariance().units == ()
    with pytest.raises(SpecError, match="declares its layers"):
        network(Foreign, "looks_linear")


def test_one_seed_gives_one_draw_and_the_default_draws_nothing_more() -> None:
    for how in ("looks_linear", "balanced"):
        left, right = network(GAT, how), network(GAT, how)
        assert all(torch.equal(*pair) for pair in zip(left.parameters(), right.parameters(), strict=True))
    torch.manual_seed(0)
    GAT(FEATURES, CLASSES, layers=4, hidden=HIDDEN, dropout=0.0)
    after = torch.get_rng_state()
    network(GAT, "default")
    assert torch.equal(torch.get_rng_state(), after)

"""The models that low-bit inference is compared with compute what ours do."""

from __future__ import annotations

import pytest
import torch

from bench.perf.contenders.graphs import CLASSES, FEATURES, arxiv_sized
from bench.perf.contenders.lowbit_models import (
    STEPS,
    bfloat16_gcn,
    bfloat16_propagation,
    packed_gcn,
    packed_propagation,
    pyg_appnp,
)
from methods.backbones.appnp import APPNP
from methods.backbones.gcn import GCN

ALPHA = 0.1


@pytest.fixture(scope="module")
def view():
    return arxiv_sized(True, None, None).view


@torch.inference_mode()
def difference(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.float() - expected).norm() / expected.norm())


@torch.inference_mode()
def test_gcn_in_other_numbers_is_the_same_network(view) -> None:
    torch.manual_seed(0)
    network = GCN(FEATURES, CLASSES, layers=3, hidden=64).eval()
    weights = [convolution.weight.detach() for convolution in network.body.convolutions]
    biases = [torch.randn_like(convolution.bias) for convolution in network.body.convolutions]
    for convolution, bias in zip(network.body.convolutions, biases, strict=True):
        convolution.bias.copy_(bias)
    expected = network(view)
    assert difference(bfloat16_gcn(weights, biases, view)(), expected) < 0.02
    assert difference(packed_gcn(weights, biases, view, 8)(), expected) < 0.05


@torch.inference_mode()
def test_propagation_in_other_numbers_is_the_same_network(view) -> None:
    torch.manual_seed(0)
    network = APPNP(FEATURES, CLASSES, steps=STEPS, alpha=ALPHA).eval()
    weights = [linear.weight.detach() for linear in network.linears]
    biases = [linear.bias.detach() for linear in network.linears]
    expected = network(view)
    for csr in (False, True):
        assert difference(pyg_appnp(weights, biases, view, ALPHA, csr)(), expected) < 1e-5
    assert difference(bfloat16_propagation(weights, biases, view, ALPHA)(), expected) < 0.05
    assert difference(packed_propagation(weights, biases, view, ALPHA, 8)(), expected) < 0.05

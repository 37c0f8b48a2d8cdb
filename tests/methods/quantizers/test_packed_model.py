"""Quantized networks executed on codes agree with their imitation in FP32, and who has no such form says so."""

from __future__ import annotations

import pytest
import torch

from methods.method import Method
from methods.problem import Problem
from methods.quantizers.packed_model import PackedModel
from methods.quantizers.quantized_model import QuantizedModel


@pytest.mark.parametrize("quantizer", [
    "minmax(bits=8)", "minmax(bits=4)", "qlr(bits=4)", "qlr(bits=2)", "bt_star(bits=2)", "lsq(bits=4)",
    "degree_quant(bits=8)", "minmax(bits=4,post_training=true)",
])  # fmt: skip
@pytest.mark.parametrize("backbone", ["gcn(layers=3,hidden=12)", "appnp(layers=2,hidden=16,steps=4)"])
def test_codes_compute_what_the_imitation_does(posed: Problem, train, backbone: str, quantizer: str) -> None:
    torch.manual_seed(0)
    method = Method.parse(f"{backbone}+{quantizer}")
    plugin = method.build("quantizer")
    model = plugin.apply(method.build_backbone(posed), posed)
    train(model, posed, 5)
    model.eval()
    packed = plugin.pack(model, posed)
    assert isinstance(packed, PackedModel) and not plugin.simulated
    imitation = plugin._quantized
    assert isinstance(imitation, QuantizedModel)
    with torch.no_grad():
        expected, got = imitation.eval()(posed.graph), packed(posed.graph)
    # where a value lies halfway between two codes, float32 may take either; such a value moves few outputs
    moved = (got - expected).abs().amax(1) > 1e-5 * expected.abs().max()
    assert moved.float().mean() <= 0.2
    assert got.std() > 0


@pytest.mark.parametrize("spec", [
    "gcn(norm=batch)+minmax", "gcn(residual=true)+minmax", "gcn(head=linear)+minmax", "gcn(activation=elu)+minmax",
    "gcn(block=feed_forward)+minmax", "sage+minmax", "gat(heads=2,hidden=8)+minmax", "gcn+minmax(aggregation=edge)",
    "gcn+minmax(weight_bits=32)", "appnp+minmax(activation_bits=32)", "smp(steps=2)+minmax",
])  # fmt: skip
def test_what_has_no_packed_form_stays_simulated(posed: Problem, spec: str) -> None:
    method = Method.parse(spec)
    plugin = method.build("quantizer")
    model = plugin.apply(method.build_backbone(posed), posed)
    assert plugin.pack(model, posed) is model and plugin.simulated


def test_bytes_are_those_of_codes_and_biases(posed: Problem) -> None:
    sizes = {}
    for bits in (2, 4, 8):
        method = Method.parse(f"gcn(layers=2,hidden=64)+minmax(bits={bits})")
        plugin = method.build("quantizer")
        packed = plugin.pack(plugin.apply(method.build_backbone(posed), posed), posed)
        assert isinstance(packed, PackedModel)
        sizes[bits] = packed.bytes
    assert sizes[2] < sizes[4] < sizes[8]

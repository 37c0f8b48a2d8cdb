"""Quantized networks executed on codes agree with their imitation in FP32, and who has no such form says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.adjacency import Adjacency
from methods.lowbit import integer_product
from methods.lowbit.packed_gcn import PackedGCN
from methods.lowbit.packed_propagation import PackedPropagation
from methods.method import Method
from methods.problem import Problem
from methods.quantizers.packed_calls import PackedCalls
from methods.quantizers.packed_model import PackedModel
from methods.quantizers.quantized_model import QuantizedModel


def built(spec: str, problem: Problem, train, steps: int = 5):
    """The quantizer of a method after some training, its imitation and what it predicts with."""
    torch.manual_seed(0)
    method = Method.parse(spec)
    plugin = method.build("quantizer")
    model = plugin.apply(method.build_backbone(problem), problem)
    train(model, problem, steps)
    packed = plugin.pack(model.eval(), problem)
    imitation = plugin._quantized
    assert isinstance(imitation, QuantizedModel)
    return plugin, imitation.eval(), packed


def moved_rows(imitation: QuantizedModel, packed: torch.nn.Module, problem: Problem, tolerance: float) -> float:
    """Share of outputs that differ: a value halfway between two codes may take either, which moves few rows."""
    with torch.no_grad():
        expected, got = imitation(problem.graph), packed(problem.graph)
    assert got.shape == expected.shape and float(got.std()) > 0
    return float(((got - expected).abs().amax(1) > tolerance * expected.abs().max()).float().mean())


@pytest.mark.parametrize("quantizer", [
    "minmax(bits=8)", "minmax(bits=4)", "qlr(bits=4)", "qlr(bits=2)", "bt_star(bits=2)", "lsq(bits=4)",
    "degree_quant(bits=8)", "minmax(bits=4,post_training=true)", "qlr(bits=4,weight_bits=8)",
    "qlr(bits=8,sum_bits=2)", "minmax(bits=2,weight_bits=4,end_bits=8)", "mixq(search=3)",
])  # fmt: skip
@pytest.mark.parametrize("backbone", ["gcn(layers=3,hidden=12)", "appnp(layers=2,hidden=16,steps=4)"])
def test_codes_compute_what_the_imitation_does(posed: Problem, train, backbone: str, quantizer: str) -> None:
    plugin, imitation, packed = built(f"{backbone}+{quantizer}", posed, train)
    assert isinstance(packed, PackedModel) and not plugin.simulated
    assert isinstance(packed.network, PackedGCN if backbone.startswith("gcn") else PackedPropagation)
    assert moved_rows(imitation, packed, posed, 1e-5) <= 0.2
    assert plugin.facts()["computed"].endswith("INT32")


@pytest.mark.parametrize(("largest", "said"), [
    (2 * 255 * 128, "products in INT8, sums on codes, both added up in INT32"),
    (2**15 - 1, "1 of 3 products in INT8, the others exact in floats, sums on codes added up in INT32"),
    (-1, "0 of 3 products in INT8, the others exact in floats, sums on codes added up in INT32"),
])  # fmt: skip
def test_a_row_says_what_multiplied_its_codes(posed: Problem, train, monkeypatch, largest: int, said: str) -> None:
    monkeypatch.setattr(integer_product, "largest_pair", lambda: largest)
    plugin, _, _ = built("gcn(layers=3,hidden=12)+minmax(bits=4,end_bits=8)", posed, train)
    assert plugin.facts()["computed"] == said


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("backbone", [
    "smp(steps=3,hidden=8)", "smp(steps=3,hidden=8,correction=adjacency)", "smp(steps=3,hidden=8,step_size=0.05)",
    "smp(steps=3,hidden=8,correction=projected,threshold=0.001)", "smp(steps=3,hidden=8,freeze_multiplier=true)",
    "emp(steps=3,hidden=8,lambda1=0.1)", "gcnii(layers=2,hidden=16)", "gcn(layers=2,hidden=12,norm=batch)",
    "gcn(layers=2,hidden=12,residual=true)", "gcn(layers=2,hidden=12,head=linear,activation=elu)",
    "gcn(layers=1,hidden=8,block=feed_forward)", "sage(layers=2,hidden=12)", "gin(layers=2,hidden=12)",
    "mlp(layers=2,hidden=12)",
])  # fmt: skip
def test_networks_run_on_codes_call_by_call(posed: Problem, train, backbone: str, bits: int) -> None:
    plugin, imitation, packed = built(f"{backbone}+qlr(bits={bits})", posed, train)
    assert isinstance(packed, PackedCalls) and not plugin.simulated
    assert plugin.facts()["computed"].endswith("FP32 between them")
    # a tie that goes the other way moves lambda a little, and with it every row
    assert moved_rows(imitation, packed, posed, 1e-3 if backbone.startswith("smp") else 1e-5) <= 0.25


@pytest.mark.parametrize("spec", [
    "gat(heads=2,hidden=8)+minmax", "gatv2(heads=2,hidden=8)+minmax", "gcn+minmax(aggregation=edge)",
    "gcn+minmax(weight_bits=32)", "appnp+minmax(activation_bits=32)", "gcn+minmax(sum_bits=32)",
    "smp(steps=2)+minmax(end_bits=32)", "mlp+minmax(bits=32)", "gcn+a2q", "gcn+bi_gcn",
])  # fmt: skip
def test_what_has_no_packed_form_stays_simulated(posed: Problem, spec: str) -> None:
    method = Method.parse(spec)
    plugin = method.build("quantizer")
    model = plugin.apply(method.build_backbone(posed), posed)
    assert plugin.pack(model, posed) is model and plugin.simulated
    assert plugin.facts()["computed"] == "FP32"


def test_sums_with_weights_stay_simulated(posed: Problem) -> None:
    given = posed.graph.adjacency
    weighted = Adjacency(given.indptr, given.indices, given.columns, 0.5 + torch.arange(given.entries) % 3)
    problem = replace(posed, graph=replace(posed.graph, adjacency=weighted))
    for spec in ("gcn+minmax", "gin+minmax"):
        method = Method.parse(spec)
        plugin = method.build("quantizer")
        model = plugin.apply(method.build_backbone(problem), problem)
        assert plugin.pack(model, problem) is model and plugin.simulated


def test_mixed_widths_are_those_of_the_packed_matrices(posed: Problem, train) -> None:
    _, _, packed = built("gcn(layers=3,hidden=12)+qlr(bits=4,weight_bits=8,sum_bits=2,end_bits=8)", posed, train, 1)
    layers = packed.network.convolutions
    assert [layer.linear.weight.bits for layer in layers] == [8, 8, 8]
    assert [layer.grids.input.bits for layer in layers] == [8, 4, 8]
    assert [layer.grids.operand.bits for layer in layers] == [2, 2, 2]


@pytest.mark.parametrize("backbone", ["gcn(layers=2,hidden=12)", "gin(layers=2,hidden=12)"])
def test_the_readout_of_graphs_is_on_codes_too(posed: Problem, train, backbone: str) -> None:
    sizes = torch.tensor([0, 5, 10, 15, 20, 29, 30])
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    targets, sources = posed.graph.adjacency.row_of_entry(), posed.graph.adjacency.indices.long()
    graph_of = torch.bucketize(torch.arange(30), sizes, right=True)
    inside = graph_of[targets] == graph_of[sources]
    adjacency = Adjacency.from_edges(sources[inside], targets[inside], 30, symmetric=True)
    graph = replace(posed.graph, adjacency=adjacency, level="graph", y=labels, train_mask=labels >= 0, graph_ptr=sizes)
    problem = replace(posed, graph=graph)
    _, imitation, packed = built(f"{backbone}+minmax(bits=4)", problem, train)
    with torch.no_grad():
        expected, got = imitation(graph), packed(graph)
    assert got.shape == (6, 3)
    step = list(imitation.grids().values())[-1].step
    assert float((got - expected).abs().max()) <= step * (1 + 1e-5), "a tie moves a result by one code"
    assert float((got - expected).abs().median()) < 1e-5


def test_bytes_are_those_of_codes_and_biases(posed: Problem) -> None:
    sizes = {}
    for bits in (2, 4, 8):
        method = Method.parse(f"gcn(layers=2,hidden=64)+minmax(bits={bits})")
        plugin = method.build("quantizer")
        packed = plugin.pack(plugin.apply(method.build_backbone(posed), posed), posed)
        assert isinstance(packed, PackedModel)
        sizes[bits] = packed.bytes
    assert sizes[2] < sizes[4] < sizes[8]

"""Dynamics of training: every quantity by hand on real networks, and what is left out."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import Parameter

from bench.datasets.graph_data import GraphData
from bench.dynamics import OF_LAYERS, OF_STEPS, OF_UNITS, QUANTILES, DynamicsRecorder
from bench.trial import pose
from methods.adjacency import Adjacency
from methods.backbones.backbone import Backbone
from methods.graph import GraphView
from methods.invariance import Invariance
from methods.method import Method
from methods.problem import Problem

ATTENTION = "gat(layers=3,hidden=8,heads=2,dropout=0.0)"
PLAIN = "gcn(layers=3,hidden=8,dropout=0.0)"
NORMED = "sage(layers=3,hidden=8,norm=batch,residual=true)"
NETWORKS = (ATTENTION, PLAIN, NORMED)


def stepped(method: str, data: GraphData) -> Backbone:
    """A network with the gradients of a first step."""
    torch.manual_seed(0)
    problem, _ = pose(data.sealed(0), 0, torch.device("cpu"))
    model = Method.parse(method).build_backbone(problem)
    problem.loss(model(problem.graph), problem.graph).backward()
    return model


def graph_of(data: GraphData) -> GraphView:
    return pose(data.sealed(0), 0, torch.device("cpu"))[0].graph


def recorded(model: nn.Module, data: GraphData, *epochs: int) -> dict[str, Any]:
    """Values by quantity."""
    recorder = DynamicsRecorder(model, 1, graph_of(data))
    for epoch in epochs or (0,):
        recorder.record(epoch)
    return {series["quantity"]: series["values"] for series in recorder.results()}


def declared(model: Backbone) -> Invariance:
    invariance = model.invariance()
    assert invariance is not None
    return invariance


def pairs(parameter: Parameter) -> list[tuple[float, float]]:
    """All (weight, gradient) of a parameter."""
    assert parameter.grad is not None
    return list(zip(parameter.detach().flatten().tolist(), parameter.grad.flatten().tolist(), strict=True))


def norms_by_hand(parameters: tuple[Parameter, ...]) -> tuple[float, float, float]:
    """Of relative gradients, gradients and weights."""
    entries = [entry for parameter in parameters for entry in pairs(parameter)]
    relative = math.sqrt(sum((g / w) ** 2 for w, g in entries if w != 0))
    return relative, math.sqrt(sum(g**2 for _, g in entries)), math.sqrt(sum(w**2 for w, _ in entries))


@pytest.mark.parametrize("method", NETWORKS)
def test_norms_of_layers_by_hand(blocks: GraphData, method: str) -> None:
    model = stepped(method, blocks)
    found = recorded(model, blocks)
    for position, layer in enumerate(declared(model).layers):
        relative, gradient, weight = norms_by_hand(layer.weights)
        assert found["relative_gradient_norm"][0][position] == pytest.approx(relative, rel=1e-5)
        assert found["gradient_norm"][0][position] == pytest.approx(gradient, rel=1e-5)
        assert found["weight_norm"][0][position] == pytest.approx(weight, rel=1e-5)


def test_attention_is_apart_from_the_weights(blocks: GraphData) -> None:
    model = stepped(ATTENTION, blocks)
    [found] = recorded(model, blocks)["attention_relative_gradient_norm"]
    by_hand = [norms_by_hand(layer.attention)[0] for layer in declared(model).layers]
    assert found == pytest.approx(by_hand, rel=1e-5)
    assert recorded(stepped(PLAIN, blocks), blocks)["attention_relative_gradient_norm"] == [[None] * 3]


def energies_by_hand(invariance: Invariance, group: int, relative: bool) -> tuple[list[float], list[float]]:
    """A and B + T of each unit of a group, entry by entry."""

    def energy(parameter: Parameter, index: Any) -> float:
        assert parameter.grad is not None
        weights, gradients = parameter.detach()[index].double(), parameter.grad[index].double()
        return float(((gradients / weights) if relative else weights).square().sum())

    units, made, read = invariance.units[group], [], []
    for unit in range(units.size):
        made.append(sum(energy(parameter, unit) for parameter in units.incoming))
        of_reader = sum(energy(parameter, (slice(None), unit)) for parameter in units.outgoing)
        of_attention = sum(energy(parameter, np.unravel_index(unit, parameter.shape)) for parameter in units.attention)
        read.append(of_reader + of_attention)
    return made, read


@pytest.mark.parametrize("method", NETWORKS)
@pytest.mark.parametrize("quantity", OF_UNITS)
def test_imbalance_of_units_by_hand(blocks: GraphData, method: str, quantity: str) -> None:
    model = stepped(method, blocks)
    [found] = recorded(model, blocks)[quantity]
    invariance = declared(model)
    assert len(found) == len(invariance.units) == 2
    for group, quantiles in enumerate(found):
        made, read = map(np.array, energies_by_hand(invariance, group, "relative" in quantity))
        expected = np.quantile((made - read) / (made + read), QUANTILES)
        np.testing.assert_allclose(quantiles, expected, rtol=1e-4, atol=1e-6)
        assert -1 <= quantiles[0] < quantiles[-1] <= 1


def test_a_weight_of_zero_has_no_relative_gradient(blocks: GraphData) -> None:
    model = stepped(ATTENTION, blocks)
    first = declared(model).layers[0].weights[0]
    with torch.no_grad():
        first[:, 0], first[0, 1] = 0.0, 1e-31
    assert first.grad is not None and first.grad[0, 1] != 0
    kept = [(w, g) for w, g in pairs(first) if abs(w) > 1e-30]
    expected = math.sqrt(sum((g / w) ** 2 for w, g in kept))
    assert recorded(model, blocks)["relative_gradient_norm"][0][0] == pytest.approx(expected, rel=1e-5)


def test_a_network_without_hidden_units_has_layers_only(blocks: GraphData) -> None:
    assert tuple(recorded(stepped("gcn(layers=1)", blocks), blocks)) == (*OF_LAYERS, "dirichlet_energy")


def test_a_network_that_says_nothing_is_not_sampled(blocks: GraphData) -> None:
    recorder = DynamicsRecorder(nn.Linear(3, 2), 1, graph_of(blocks))
    assert not recorder.wants(0)
    assert recorder.results() == []


def test_a_network_that_declares_no_layers_and_shows_no_states_leaves_nothing(blocks: GraphData) -> None:
    class Undeclared(Backbone):
        def node_outputs(self, x: Tensor, adjacency: Any) -> Tensor:
            return x

    assert recorded(Undeclared(), blocks) == {}


@pytest.mark.parametrize(
    ("method", "states", "steps"),
    [
        ("gcn(layers=3,hidden=8,dropout=0.5,norm=batch)", 4, None),
        ("gcn(layers=2,hidden=8,head=linear)", 3, None),
        ("gcn(layers=2,hidden=8,block=feed_forward)", 3, None),
        ("gcnii(layers=4,hidden=8)", 5, None),
        ("appnp(steps=3,hidden=8)", 4, None),
        ("emp(steps=3,hidden=8)", 4, None),
        ("smp(steps=3,hidden=8)", 4, 3),
        ("smp(steps=3,hidden=8,correction=projected)", 4, 3),
        ("appnp(steps=3,hidden=8)+minmax(bits=2)", 4, None),
        ("smp(steps=3,hidden=8)+exact", 4, 3),
        ("sage(layers=2,hidden=8)", None, None),
    ],
)
def test_energy_and_constraint_are_those_of_the_trace(
    blocks: GraphData, method: str, states: int | None, steps: int | None
) -> None:
    torch.manual_seed(0)
    problem, _ = pose(blocks.sealed(0), 0, torch.device("cpu"))
    parsed = Method.parse(method)
    model = parsed.build_backbone(problem)
    if parsed.quantizer:
        model = parsed.build("quantizer").apply(model, problem)
    problem.loss(model(problem.graph), problem.graph).backward()
    found = recorded(model, blocks, 0, 1)
    assert model.training, "sampling leaves the mode as it was"
    assert {name for name in OF_STEPS if name in found} == (
        set() if states is None else {"dirichlet_energy"} if steps is None else set(OF_STEPS)
    )
    if states is None:
        return
    with torch.no_grad():
        trace = model.eval().propagation_trace(problem.graph)
    for name, count in (("dirichlet_energy", states), ("constraint", steps)):
        if count is not None:
            assert found[name][0] == found[name][1] == pytest.approx(trace[name].tolist(), rel=1e-5)
            assert len(found[name][0]) == count
    assert all(energy > 0 for energy in found["dirichlet_energy"][0])


def test_unions_of_graphs_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = torch.arange(12)
    within = ring // 3 * 3 + (ring + 1) % 3  # four triangles
    adjacency = Adjacency.from_edges(torch.cat([ring, within]), torch.cat([within, ring]), 12, symmetric=True)
    labels = torch.zeros(4, dtype=torch.int64)
    graph = GraphView(torch.randn(12, 5), adjacency, labels, labels == 0, "graph", torch.arange(0, 13, 3))
    model = Method.parse("appnp(steps=2,hidden=4)").build_backbone(
        Problem(graph, "multiclass", 2, torch.Generator())
    )  # fmt: skip

    def energies() -> list[float]:
        recorder = DynamicsRecorder(model, 1, graph)
        recorder.record(0)
        return next(series["values"][0] for series in recorder.results() if series["quantity"] == "dirichlet_energy")

    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    at_once = energies()
    monkeypatch.setattr("bench.evaluation.GRAPHS_AT_ONCE", 3)
    assert energies() == pytest.approx(at_once, rel=1e-5)
    assert at_once[0] > at_once[2] > 0


def test_a_graph_without_edges_has_no_energy_to_speak_of(blocks: GraphData) -> None:
    model, graph = stepped(PLAIN, blocks), graph_of(blocks)
    empty = replace(graph, adjacency=graph.adjacency.masked(torch.zeros(graph.num_edges, dtype=torch.bool)))
    recorder = DynamicsRecorder(model, 1, empty)
    recorder.record(0)
    assert [series["quantity"] for series in recorder.results()] == [*OF_LAYERS, *OF_UNITS]


def test_samples_are_due_every_few_epochs_from_the_first(blocks: GraphData) -> None:
    recorder = DynamicsRecorder(stepped(PLAIN, blocks), 4, graph_of(blocks))
    assert [epoch for epoch in range(10) if recorder.wants(epoch)] == [0, 4, 8]


def test_results_are_plain_json_with_one_item_a_sample(blocks: GraphData) -> None:
    model = stepped(PLAIN, blocks)
    recorder = DynamicsRecorder(model, 5, graph_of(blocks))
    recorder.record(0)
    with torch.no_grad():
        declared(model).layers[1].weights[0].mul_(2.0)
    recorder.record(5)
    results = json.loads(json.dumps(recorder.results()))
    assert [series["quantity"] for series in results] == [*OF_LAYERS, *OF_UNITS, "dirichlet_energy"]
    assert all(series["epochs"] == [0, 5] and len(series["values"]) == 2 for series in results)
    before, after = next(series["values"] for series in results if series["quantity"] == "weight_norm")
    assert after == pytest.approx([before[0], 2 * before[1], before[2]], rel=1e-5)


def test_what_is_not_finite_is_none(blocks: GraphData) -> None:
    model = stepped(PLAIN, blocks)
    gradient = declared(model).layers[0].weights[0].grad
    assert gradient is not None
    gradient[0, 0] = math.inf
    gradient[0, 1] = math.nan
    found = recorded(model, blocks)
    assert found["gradient_norm"][0][0] is None
    assert found["gradient_norm"][0][1] > 0
    json.dumps(found, allow_nan=False)


def test_a_frozen_layer_counts_no_gradient_and_leaves_imbalance_open(blocks: GraphData) -> None:
    model = stepped(PLAIN, blocks)
    declared(model).layers[0].weights[0].grad = None
    found = recorded(model, blocks)
    assert found["gradient_norm"][0][0] == found["relative_gradient_norm"][0][0] == 0
    assert found["relative_gradient_imbalance"] == [[[None] * len(QUANTILES)] * 2]
    assert None not in found["weight_norm_imbalance"][0][0]


def test_recording_leaves_the_network_and_random_numbers_alone(blocks: GraphData) -> None:
    model = stepped(ATTENTION, blocks)

    def state() -> list[Tensor]:
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        return [tensor.clone() for tensor in (*model.parameters(), *gradients, torch.get_rng_state())]

    before = state()
    recorded(model, blocks, 0, 1)
    assert all(torch.equal(*pair) for pair in zip(before, state(), strict=True))

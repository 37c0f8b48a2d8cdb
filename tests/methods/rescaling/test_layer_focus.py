"""Letting one layer learn first, in both readings of scaling it down."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import Parameter

from methods.errors import MethodError, SpecError
from methods.method import Method
from methods.problem import Progress
from methods.rescaler import Rescaler
from methods.rescaling.layer_focus import LayerFocus

Build = Callable[..., Any]
SPEC = "gat(layers=4,hidden=16,heads=2,dropout=0.0)"


def attached(case: Any, text: str) -> LayerFocus:
    rescaler = Method.parse(f"mlp+{text}").build("rescaler")
    rescaler.attach(case.model, torch.optim.Adam(case.model.parameters()), case.problem)
    return rescaler


def ratios(case: Any, text: str) -> dict[Parameter, Tensor]:
    """By what focus multiplies each parameter."""
    before = case.values()
    attached(case, text)
    return {
        parameter: (parameter.detach() / old).nan_to_num(1.0)  # biases of 0
        for parameter, old in zip(case.model.parameters(), before, strict=True)
    }


def check(found: dict[Parameter, Tensor], expected: dict[Parameter, float]) -> None:
    for parameter, ratio in found.items():
        torch.testing.assert_close(ratio, torch.full_like(ratio, expected.get(parameter, 1.0)), rtol=1e-12, atol=0)


@pytest.mark.parametrize("number", [1, 2, 4])
def test_plain_scaling_multiplies_weights_and_attention_of_one_layer(build: Build, number: int) -> None:
    case = build(SPEC)
    before = case.logits()
    layer = case.invariance.layers[number - 1]
    found = ratios(case, f"layer_focus(layer={number},factor=0.25)")
    check(found, dict.fromkeys((*layer.weights, *layer.attention), 0.25))
    assert float((case.logits() - before).abs().max()) > 1e-3


@pytest.mark.parametrize("number", [1, 2, 3])
def test_invariant_scaling_divides_what_reads_the_layer(build: Build, number: int) -> None:
    case = build(SPEC)
    before = case.logits()
    layer, reader = case.invariance.layers[number - 1 : number + 1]
    found = ratios(case, f"layer_focus(layer={number},factor=0.02,scaling=invariant)")
    expected = dict.fromkeys((*layer.weights, *layer.biases), 0.02)
    check(found, expected | dict.fromkeys((*layer.attention, *reader.weights), 50.0))
    torch.testing.assert_close(case.logits(), before, atol=1e-10, rtol=1e-10)


def test_invariant_scaling_of_the_last_layer_divides_the_one_before(build: Build) -> None:
    case = build(SPEC)
    before = case.logits()
    maker, last = case.invariance.layers[2:]
    found = ratios(case, "layer_focus(layer=4,factor=0.02,scaling=invariant)")
    expected = dict.fromkeys((*last.weights, *maker.attention), 0.02)
    check(found, expected | dict.fromkeys((*maker.weights, *maker.biases), 50.0))
    torch.testing.assert_close(case.logits(), before, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(("scaling", "power"), [("plain", -1), ("invariant", -2)])
def test_the_layer_in_focus_has_large_relative_gradients(build: Build, scaling: str, power: int) -> None:
    """Specification 4.2: they grow as 1 / factor in the plain reading and as 1 / factor^2 in the other."""
    sizes = []
    for factor in (1.0, 0.1):
        case = build("mlp(layers=3,hidden=16,dropout=0.0)")
        for units in case.invariance.units:  # shifts would count more where the weights are small
            for bias in units.biases:
                nn.init.zeros_(bias)
        attached(case, f"layer_focus(layer=2,factor={factor},scaling={scaling})")
        case.backward()
        weight = case.invariance.layers[1].weights[0]
        sizes.append(float((weight.grad / weight.detach()).square().sum().sqrt()))
    assert sizes[1] / sizes[0] == pytest.approx(0.1**power, rel=1e-6 if scaling == "invariant" else 0.3)


@pytest.mark.parametrize("scaling", ["plain", "invariant"])
def test_a_layer_that_does_not_exist_is_refused_and_nothing_is_changed(build: Build, scaling: str) -> None:
    case = build(SPEC)
    before = case.values()
    with pytest.raises(MethodError, match=r"layer_focus\(layer=5\) is not possible: the network has 4 layers of weig"):
        attached(case, f"layer_focus(layer=5,scaling={scaling})")
    assert all(torch.equal(old, new) for old, new in zip(before, case.values(), strict=True))


@pytest.mark.parametrize("spec", ["gcnii(layers=3,hidden=8)", "gcn(layers=2,hidden=8,block=feed_forward)"])
def test_the_invariant_reading_needs_a_chain(build: Build, spec: str) -> None:
    case = build(spec)
    before = case.values()
    with pytest.raises(MethodError, match=r"layer_focus\(scaling=invariant\) needs a chain of layers"):
        attached(case, "layer_focus(layer=2,scaling=invariant)")
    assert all(torch.equal(old, new) for old, new in zip(before, case.values(), strict=True))
    attached(case, "layer_focus(layer=2)")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("layer=0", r"layer_focus\(layer=0\) is not possible; must be at least 1"),
        ("factor=0", r"layer_focus\(factor=0.0\) is not possible; must be above 0"),
        ("factor=-1", "must be above 0"),
        ("scaling=both", "choose from: plain, invariant"),
        ("then=dr_x", "choose from: none, dr_w, dr_rg, dr_c"),
        ("every=0", "must be at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Method.parse(f"gat+layer_focus({wrong})")


def epochs(case: Any, rescaler: Rescaler, count: int) -> list[int]:
    """Epochs in which a rescaler changed something."""
    changed = []
    for epoch in range(count):
        progress = Progress(epoch, epoch / count)
        before = rescaler.before_forward(progress)
        case.backward()
        within = rescaler.before_update(progress)
        if before is not None or within is not None:
            changed.append(epoch)
    return changed


def test_balancing_begins_when_asked(build: Build) -> None:
    case = build(SPEC)
    rescaler = attached(case, "layer_focus(layer=2,then=dr_rg,start=12,every=5)")
    assert epochs(case, rescaler, 25) == [12, 17, 22]
    assert rescaler.facts()["rebalances"] == {"relative_gradient": 3}
    assert rescaler.facts()["first"]["epoch"] == 12


def test_without_a_rule_nothing_happens_after_the_start(build: Build) -> None:
    case = build(SPEC)
    rescaler = attached(case, "layer_focus(layer=2)")
    before = case.values()
    assert epochs(case, rescaler, 21) == []
    assert all(torch.equal(old, new) for old, new in zip(before, case.values(), strict=True))
    assert rescaler.facts()["rebalances"] == {}
    json.dumps(rescaler.facts(), allow_nan=False)

"""When dynamic rescaling balances, by what, and what it tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from methods.backbones.mlp import MLP
from methods.errors import MethodError
from methods.method import Method
from methods.problem import Progress
from methods.rescaling import dynamic
from methods.rescaling.criteria import Energies, imbalance
from methods.rescaling.dynamic import DynamicRescaling

Build = Callable[..., Any]
SPEC = "gat(layers=3,hidden=8,heads=1,dropout=0.0)"


def attached(case: Any, text: str, optimizer: torch.optim.Optimizer | None = None) -> DynamicRescaling:
    rescaler = Method.parse(f"mlp+{text}").build("rescaler")
    rescaler.attach(case.model, optimizer or torch.optim.Adam(case.model.parameters()), case.problem)
    return rescaler


class Calls:
    """Drives a rescaler as the trainer does, and notes every balancing as (epoch, step, where, criterion)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, case: Any) -> None:
        self.case, self.seen, self.now = case, list[tuple[int, int, str, str]](), (0, 0, "")
        balance = dynamic.balance

        def noted(invariance: Any, criterion: str, **settings: Any) -> Any:
            self.seen.append((*self.now, criterion))
            self.settings = settings
            return balance(invariance, criterion, **settings)  # type: ignore[arg-type]

        monkeypatch.setattr(dynamic, "balance", noted)

    def run(self, rescaler: DynamicRescaling, epochs: int, steps: int = 1) -> list[tuple[int, int, str, str]]:
        self.case.backward()
        for epoch in range(epochs):
            for step in range(steps):
                progress = Progress(epoch, epoch / epochs)
                self.now = (epoch, step, "forward")
                rescaler.before_forward(progress)
                self.now = (epoch, step, "update")
                rescaler.before_update(progress)
        return self.seen


def weights(*epochs: int) -> list[tuple[int, int, str, str]]:
    return [(epoch, 0, "forward", "weight_norm") for epoch in epochs]


def gradients(*epochs: int) -> list[tuple[int, int, str, str]]:
    return [(epoch, 0, "update", "relative_gradient") for epoch in epochs]


SCHEDULES = [
    ("dr_w", weights(0, 10, 20)),
    ("dr_rg", gradients(0, 10, 20)),
    ("dr_c", sorted([*weights(0, 10, 20), *gradients(*(epoch for epoch in range(25) if epoch % 10))])),
    ("dr_w(every=7,start=3)", weights(3, 10, 17, 24)),
    ("dr_rg(every=7,start=3)", gradients(3, 10, 17, 24)),
    ("dr_c(every=3,start=20)", sorted([*weights(20, 23), *gradients(21, 22, 24)])),
    ("dr_c(every=1)", weights(*range(25))),
    ("dr_rg(start=25)", []),
]


@pytest.mark.parametrize(("text", "expected"), SCHEDULES, ids=[text for text, _ in SCHEDULES])
@pytest.mark.parametrize("steps", [1, 3])
def test_epochs_in_which_it_balances(
    build: Build, monkeypatch: pytest.MonkeyPatch, text: str, expected: list[Any], steps: int
) -> None:
    """One step or several an epoch: only the first balances."""
    case = build("mlp(layers=2,hidden=4,dropout=0.0)")
    assert Calls(monkeypatch, case).run(attached(case, text), epochs=25, steps=steps) == expected


def test_settings_reach_balancing(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    case = build("mlp(layers=2,hidden=4,dropout=0.0)")
    calls, optimizer = Calls(monkeypatch, case), torch.optim.Adam(case.model.parameters())
    calls.run(attached(case, "dr_w(sweeps=3,profile=release,moments=reset)", optimizer), epochs=1)
    assert calls.settings == {"sweeps": 3, "profile": "release", "moments": "reset", "optimizer": optimizer}
    calls.run(attached(case, "dr_w", optimizer), epochs=1)
    assert calls.settings == {"sweeps": 10, "profile": "corrected", "moments": "leave", "optimizer": optimizer}


def test_hooks_say_by_what_they_multiplied(build: Build) -> None:
    case = build(SPEC)
    rescaler = attached(case, "dr_c(every=2)")
    names = [("before_forward", "before_update"), ("before_update", "before_forward")]
    for epoch, (acts, rests) in enumerate(names):
        case.backward()
        before = dict(zip(case.model.parameters(), case.values(), strict=True))
        found = {name: getattr(rescaler, name)(Progress(epoch, 0.0)) for name in ("before_forward", "before_update")}
        assert found[rests] is None
        assert {id(parameter) for parameter in found[acts]} == {id(p) for p in case.invariance.parameters()}
        for parameter, value in before.items():
            factor = found[acts].get(parameter, torch.ones((), dtype=torch.float64))
            torch.testing.assert_close(parameter.detach(), value * factor, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("text", "criterion"), [("dr_w", "weight_norm"), ("dr_rg", "relative_gradient")])
def test_it_balances_and_leaves_outputs_mode_and_random_numbers(build: Build, text: str, criterion: str) -> None:
    case = build(SPEC)
    rescaler = attached(case, text)
    before = case.logits()
    case.model.train()
    case.backward()
    drawn = torch.get_rng_state()
    rescaler.before_forward(Progress(0, 0.0))
    rescaler.before_update(Progress(0, 0.0))
    assert case.model.training
    assert torch.equal(torch.get_rng_state(), drawn)
    torch.testing.assert_close(case.logits(), before, atol=1e-10, rtol=1e-10)
    energies = Energies(case.invariance, criterion)  # type: ignore[arg-type]
    left = [float(imbalance(energies.made(i), energies.read(i)).abs().max()) for i in range(len(energies.factors))]
    assert max(left) < 2e-2


def test_facts_are_counts_and_the_first_and_last_balancing(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    case = build(SPEC)
    rescaler = attached(case, "dr_c(every=4,start=2)")
    assert rescaler.facts() == {
        "profile": "corrected", "exact": True, "rebalances": {}, "skipped": 0, "mean_sweeps": 0.0,
        "most_resting_units": 0, "first": None, "last": None, "violation": None,
    }  # fmt: skip
    Calls(monkeypatch, case).run(rescaler, epochs=9)
    facts = json.loads(json.dumps(rescaler.facts(), allow_nan=False))
    assert facts["rebalances"] == {"weight_norm": 2, "relative_gradient": 5}
    assert (facts["skipped"], facts["most_resting_units"], facts["violation"]) == (0, 0, None)
    assert 1 <= facts["mean_sweeps"] <= 10
    for which, epoch, criterion in (("first", 2, "weight_norm"), ("last", 8, "relative_gradient")):
        assert (facts[which]["epoch"], facts[which]["criterion"]) == (epoch, criterion)
        assert 1 <= len(facts[which]["moves"]) <= 10
        assert facts[which]["largest_log_factor"] <= sum(facts[which]["moves"]) + 1e-12


def test_what_is_thrown_away_is_counted(build: Build) -> None:
    case = build(SPEC)
    rescaler = attached(case, "dr_rg(every=1)")
    for epoch in range(3):
        case.backward()
        rescaler.before_forward(Progress(epoch, 0.0))
        if epoch == 1:
            case.invariance.units[0].incoming[0].grad[0, 0] = float("nan")
        before = case.values()
        factors = rescaler.before_update(Progress(epoch, 0.0))
        unchanged = all(torch.equal(old, new) for old, new in zip(before, case.values(), strict=True))
        assert (factors is None, unchanged) == ((True, True) if epoch == 1 else (False, False))
    assert (rescaler.facts()["skipped"], rescaler.facts()["rebalances"]) == (1, {"relative_gradient": 3})


@pytest.mark.parametrize("text", ["dr_w", "dr_rg", "dr_c"])
@pytest.mark.parametrize("activation", ["tanh", "elu"])
def test_facts_hold_by_how_much_another_activation_changes_the_outputs(
    build: Build, activation: str, text: str
) -> None:
    case = build(f"gat(layers=4,hidden=16,heads=1,dropout=0.0,activation={activation})")
    rescaler = attached(case, text)
    before = case.logits()
    case.model.train()
    case.backward()
    rescaler.before_forward(Progress(0, 0.0))
    rescaler.before_update(Progress(0, 0.0))
    assert case.model.training
    facts = rescaler.facts()
    assert facts["exact"] is False
    change = float((case.logits() - before).abs().max())
    assert facts["violation"] == {
        "largest_change": pytest.approx(change),
        "relative_change": pytest.approx(change / float(before.abs().max())),
    }
    assert change > 1e-2


def test_looking_for_a_violation_draws_no_random_numbers_and_keeps_the_mode(build: Build) -> None:
    case = build("gat(layers=3,hidden=8,heads=2,dropout=0.5,attention_dropout=0.5,norm=batch,activation=tanh)")
    rescaler = attached(case, "dr_w")
    for training in (True, False):
        case.model.train(training)
        statistics, drawn = [buffer.clone() for buffer in case.model.buffers()], torch.get_rng_state()
        rescaler.before_forward(Progress(0, 0.0))
        assert all(module.training == training for module in case.model.modules())
        assert torch.equal(torch.get_rng_state(), drawn)
        assert all(torch.equal(old, new) for old, new in zip(statistics, case.model.buffers(), strict=True))


def test_a_violation_on_a_set_of_graphs_is_looked_for_on_some_of_them(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamic, "_GRAPHS", 4)
    case = build("mlp(layers=2,hidden=8,dropout=0.0,activation=tanh)")
    graphs = replace(
        case.problem.graph, level="graph", graph_ptr=torch.arange(0, 61, 6), y=torch.zeros(10, dtype=torch.int64)
    )
    graphs = replace(graphs, train_mask=torch.ones(10, dtype=torch.bool))
    rescaler = attached(case, "dr_w")
    rescaler.problem = replace(case.problem, graph=graphs)
    sizes: list[int] = []
    case.model.register_forward_hook(lambda module, inputs, output: sizes.append(output.shape[0]))
    rescaler.before_forward(Progress(0, 0.0))
    assert sizes == [4, 4]
    assert rescaler.facts()["violation"]["largest_change"] > 0


@pytest.mark.parametrize("policy", ["leave", "transform", "reset"])
def test_the_optimizers_memory_follows_its_policy(build: Build, policy: str) -> None:
    case = build(SPEC)
    optimizer = torch.optim.Adam(case.model.parameters(), lr=0.01)
    rescaler = attached(case, f"dr_rg(moments={policy})", optimizer)
    case.train(optimizer, steps=3)
    case.backward()
    weight = case.invariance.layers[0].weights[0]
    before = optimizer.state[weight]["exp_avg"].clone()
    rescaler.before_forward(Progress(0, 0.0))
    factors = rescaler.before_update(Progress(0, 0.0))
    assert factors is not None
    if policy == "reset":
        assert not optimizer.state[weight]
    else:
        expected = before if policy == "leave" else before / factors[weight]
        torch.testing.assert_close(optimizer.state[weight]["exp_avg"], expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("text", ["dr_w", "dr_rg", "dr_c", "layer_focus"])
def test_networks_without_hidden_units_are_refused(build: Build, text: str) -> None:
    case = build("mlp(layers=2,hidden=4)")
    case.model = MLP(8, 3, layers=1)
    with pytest.raises(MethodError, match="cannot be used: MLP declares no hidden units that may be rescaled"):
        attached(case, text)
    with pytest.raises(MethodError, match="cannot be used: Linear declares no hidden units"):
        case.model = torch.nn.Linear(2, 2)
        attached(case, text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dr_w(every=10,profile=release)", "dr_w(profile=release)"),
        ("dr_rg(sweeps=5,every=3)", "dr_rg(every=3,sweeps=5)"),
        ("dr_c(moments=transform,start=0)", "dr_c(moments=transform)"),
        ("layer_focus(then=dr_rg,start=1000,layer=4)", "layer_focus(start=1000,layer=4,then=dr_rg)"),
    ],
)
def test_names_are_canonical(text: str, name: str) -> None:
    assert Method.parse(f"gat+{text}").name == f"gat+full_batch+{name}"

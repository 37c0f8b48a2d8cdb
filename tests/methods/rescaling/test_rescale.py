"""Rescaling leaves the function unchanged and carries gradients along; the laws that gradient steps obey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from methods.errors import MethodError
from methods.invariance import Invariance, Units
from methods.rescaling.rescale import factors_of, rescale

Build = Callable[..., Any]
SMALL = "gat(layers=4,hidden=16,heads=1,dropout=0.0)"
SHARED = "gatv2(layers=4,hidden=16,heads=2,share_weights=true,dropout=0.0)"
HEADS = "gat(layers=3,hidden=12,heads=3,dropout=0.0)"


def change(case: Any, before: Tensor) -> float:
    """Largest change of an output, over the largest output where that is above 1."""
    return float((case.logits() - before).abs().max()) / max(1.0, float(before.abs().max()))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_a_hundred_rescalings_leave_the_outputs_of_five_layers(
    build: Build, paper: str, dtype: torch.dtype, tolerance: float
) -> None:
    case = build(paper, dtype)
    before, values = case.logits(), case.values()
    for seed in range(100):
        rescale(case.invariance, case.lambdas(seed))
    assert change(case, before) < tolerance
    moved = [float((now / old).log().abs().max()) for now, old in zip(case.values(), values, strict=True)]
    assert max(moved) > 10, "parameters themselves are far from where they were"


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-3), (torch.float64, 1e-10)])
@pytest.mark.parametrize("spec", ["paper", HEADS, "sage(layers=3,hidden=8,dropout=0.0,norm=layer,residual=true)"])
def test_carried_gradients_are_those_of_a_fresh_backward_pass(
    build: Build, paper: str, spec: str, dtype: torch.dtype, tolerance: float
) -> None:
    case = build(paper if spec == "paper" else spec, dtype, steps=5)
    case.backward()
    rescale(case.invariance, case.lambdas())
    carried = case.gradients()
    fresh = list(case.backward().values())
    # gradients of target attention almost cancel, and what is left in float32 is rounding
    rounding = 10 * torch.finfo(dtype).eps * max(float(gradient.norm()) for gradient in fresh)
    for mine, other in zip(carried, fresh, strict=True):
        assert float((mine - other).norm()) <= tolerance * float(other.norm()) + rounding


def test_parameter_times_gradient_stays(build: Build, paper: str) -> None:
    case = build(paper)
    case.backward()
    before = [value * gradient for value, gradient in zip(case.values(), case.gradients(), strict=True)]
    rescale(case.invariance, case.lambdas())
    after = [value * gradient for value, gradient in zip(case.values(), case.gradients(), strict=True)]
    for old, new in zip(before, after, strict=True):
        torch.testing.assert_close(new, old, atol=1e-12, rtol=1e-12)


def signed(units: Units, of: Callable[[Parameter], Tensor]) -> Tensor:
    """Per unit, the sum over what makes it minus the sum over what reads and scores it."""
    incoming = sum(of(parameter).reshape(units.size, -1).sum(1) for parameter in (*units.incoming, *units.biases))
    readers = [of(parameter).reshape(-1, units.size).sum(0) for parameter in (*units.outgoing, *units.attention)]
    return incoming - sum(readers)  # type: ignore[return-value]


def identity(case: Any) -> float:
    """How far parameter times gradient is from adding up to 0 at each unit, over the sum's size."""
    case.backward()
    worst = 0.0
    for units in case.invariance.units:
        residual = signed(units, lambda p: p.detach() * p.grad)
        size = sum((p.detach() * p.grad).abs().sum() for p in (*units.incoming, *units.outgoing, *units.attention))
        worst = max(worst, float(residual.abs().max() / size))
    return worst


def test_parameter_times_gradient_adds_up_to_zero_at_each_unit(build: Build, paper: str) -> None:
    for spec in (paper, HEADS):
        assert identity(build(spec, steps=3)) < 1e-10
    for activation in ("tanh", "elu"):
        assert identity(build(f"gat(layers=4,hidden=16,heads=1,dropout=0.0,activation={activation})")) > 1e-4


def conserved(case: Any) -> list[Tensor]:
    return [signed(units, lambda p: p.detach() ** 2) for units in case.invariance.units]


def test_one_gradient_step_moves_the_conserved_quantity_by_its_square_alone(build: Build) -> None:
    case = build(SMALL)
    case.backward()
    before = conserved(case)
    expected = [0.05**2 * signed(units, lambda p: p.grad**2) for units in case.invariance.units]
    torch.optim.SGD(case.model.parameters(), lr=0.05).step()
    for old, new, drift in zip(before, conserved(case), expected, strict=True):
        torch.testing.assert_close(new - old, drift, atol=1e-12, rtol=0)


def test_its_drift_grows_with_the_learning_rate_and_adam_breaks_the_law(build: Build) -> None:
    def drift(make: type[torch.optim.Optimizer], rate: float, steps: int) -> float:
        case = build("gat(layers=3,hidden=8,heads=1,dropout=0.0)")
        before = conserved(case)
        case.train(make(case.model.parameters(), lr=rate), steps)  # type: ignore[call-arg]
        return max(float((new - old).abs().max()) for old, new in zip(before, conserved(case), strict=True))

    coarse, fine = drift(torch.optim.SGD, 0.1, 20), drift(torch.optim.SGD, 0.01, 200)
    assert 6 < coarse / fine < 15
    assert drift(torch.optim.Adam, 0.01, 20) > 10 * coarse


@pytest.mark.parametrize("activation", ["tanh", "elu"])
def test_activations_that_are_not_homogeneous_change_the_outputs_and_say_so(build: Build, activation: str) -> None:
    case = build(f"gat(layers=4,hidden=16,heads=1,dropout=0.0,activation={activation})")
    before = case.logits()
    rescale(case.invariance, case.lambdas())
    assert change(case, before) > 1e-2
    assert not case.invariance.exact


def without_attention(units: Units) -> Units:
    return replace(units, attention=())


def rows_twice(units: Units) -> Units:
    return replace(units, incoming=(*units.incoming, *units.incoming))


@pytest.mark.parametrize("wrong", [without_attention, rows_twice])
@pytest.mark.parametrize("spec", [SMALL, SHARED])
def test_a_map_with_a_mistake_does_not_pass(build: Build, wrong: Callable[[Units], Units], spec: str) -> None:
    case = build(spec)
    before, right = case.logits(), case.invariance
    rescale(Invariance(right.layers, tuple(wrong(units) for units in right.units)), case.lambdas())
    assert change(case, before) > 1e-3


def test_a_unit_is_its_channel_within_its_head(build: Build) -> None:
    case = build(HEADS)
    before = case.values()
    lambdas = [torch.ones(units.size, dtype=torch.float64) for units in case.invariance.units]
    head, channel = 1, 2
    unit = head * 4 + channel
    lambdas[0][unit] = 8.0  # a power of two, so that every ratio is exact
    rescale(case.invariance, lambdas)
    ratios = dict(zip(case.model.state_dict(), map(torch.div, case.values(), before), strict=True))
    expected = {name: torch.ones_like(ratio) for name, ratio in ratios.items()}
    expected["body.convolutions.0.weight"][unit] = 8
    expected["body.convolutions.0.bias"][unit] = 8
    for scores in ("source_attention", "target_attention"):
        expected[f"body.convolutions.0.{scores}"][head, channel] = 1 / 8
    expected["body.convolutions.1.weight"][:, unit] = 1 / 8
    for name, ratio in ratios.items():
        # biases of the last layer are 0, and 0 / 0 says nothing
        assert torch.equal(ratio.nan_to_num(1.0), expected[name]), name


def test_each_factor_is_named_and_undone_by_its_inverse(build: Build) -> None:
    case = build("gcnii(layers=3,hidden=8,dropout=0.0)")
    case.backward()
    before, values, gradients = list(case.model.parameters()), case.values(), case.gradients()
    lambdas = case.lambdas()
    factors = rescale(case.invariance, lambdas)
    assert {id(parameter) for parameter in factors} == {id(parameter) for parameter in case.invariance.parameters()}
    for parameter, value, gradient in zip(before, values, gradients, strict=True):
        factor = factors.get(parameter, torch.ones(()))
        assert torch.equal(parameter.detach(), value * factor)
        assert torch.equal(parameter.grad, gradient / factor)
    rescale(case.invariance, [1 / values for values in lambdas])
    for now, then in zip((*case.values(), *case.gradients()), (*values, *gradients), strict=True):
        torch.testing.assert_close(now, then, rtol=1e-12, atol=0)


def test_factors_have_the_type_of_their_parameter(build: Build) -> None:
    case = build(SMALL, torch.float32)
    for parameter, factor in factors_of(case.invariance, case.lambdas()).items():
        assert factor.dtype == parameter.dtype
        assert torch.broadcast_shapes(factor.shape, parameter.shape) == parameter.shape


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_factors_that_are_not_positive_and_finite_change_nothing(build: Build, bad: float) -> None:
    case = build(SMALL)
    before, lambdas = case.values(), case.lambdas()
    lambdas[-1][3] = bad
    with pytest.raises(MethodError, match="factors of hidden units must be positive and finite"):
        rescale(case.invariance, lambdas)
    assert all(torch.equal(old, new) for old, new in zip(before, case.values(), strict=True))


def test_factors_of_another_network_are_refused(build: Build) -> None:
    case = build(SMALL)
    before, lambdas = case.values(), case.lambdas()
    for wrong in (lambdas[:-1], [*lambdas[:-1], torch.ones(3)], [*lambdas[:-1], torch.ones(16, 1)]):
        with pytest.raises(MethodError, match=r"the network has \[16, 16, 16\] hidden units, but the factors have sha"):
            rescale(case.invariance, wrong)
    assert all(torch.equal(old, new) for old, new in zip(before, case.values(), strict=True))

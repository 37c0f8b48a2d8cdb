"""Balancing finds the one balanced network of an equivalence class, whatever stands in its way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from methods import aggregate
from methods.errors import MethodError
from methods.rescaling.balance import Profile, _sweep, balance
from methods.rescaling.criteria import Criterion, Energies, imbalance
from methods.rescaling.rescale import rescale

Build = Callable[..., Any]
BOTH: tuple[Criterion, ...] = ("weight_norm", "relative_gradient")
PROFILES: tuple[Profile, ...] = ("corrected", "release")
SMALL = "gat(layers=4,hidden=16,heads=1,dropout=0.0)"
TIED = "gcnii(layers=4,hidden=8,dropout=0.0)"
both = pytest.mark.parametrize("criterion", BOTH)


def worst(case: Any, criterion: Criterion) -> float:
    """|A - B| / (A + B) of the least balanced unit."""
    energies = Energies(case.invariance, criterion)
    each = [imbalance(energies.made(index), energies.read(index)) for index in range(len(energies.factors))]
    return max(float(unit.abs().max()) for unit in each)


def same(left: list[Tensor], right: list[Tensor]) -> bool:
    return all(torch.equal(old, new) for old, new in zip(left, right, strict=True))


@both
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("steps", [0, 20])
def test_balancing_leaves_the_outputs(
    build: Build, paper: str, criterion: Criterion, dtype: torch.dtype, tolerance: float, steps: int
) -> None:
    case = build(paper, dtype, steps=steps)
    case.backward()
    before = case.logits()
    done = balance(case.invariance, criterion)
    assert done.factors is not None and done.largest > 0.1
    assert float((case.logits() - before).abs().max()) < tolerance * max(1.0, float(before.abs().max()))


@both
@pytest.mark.parametrize("steps", [0, 20])
@pytest.mark.parametrize("seed", range(3))
def test_sweeps_bring_balance(build: Build, paper: str, criterion: Criterion, steps: int, seed: int) -> None:
    """Specification 9, check 8, at its width of 10; wider networks take longer to their fixed point."""
    case = build(paper.replace("hidden=64", "hidden=10"), seed=seed, steps=steps)
    case.backward()
    values, gradients = case.values(), case.gradients()
    assert worst(case, criterion) > 0.3
    for sweeps, bound in ((10, 6e-3), (20, 1e-4), (50, 1e-6)):
        case.set(values)
        for parameter, gradient in zip(case.model.parameters(), gradients, strict=True):
            parameter.grad.copy_(gradient)
        done = balance(case.invariance, criterion, sweeps=sweeps, settled=0.0)
        assert (done.sweeps, len(done.moves), done.resting) == (sweeps, sweeps, 0)
        assert worst(case, criterion) < bound


@both
@pytest.mark.parametrize("steps", [0, 20])
def test_the_network_of_the_paper_comes_to_its_fixed_point(
    build: Build, paper: str, criterion: Criterion, steps: int
) -> None:
    case = build(paper, steps=steps)
    case.backward()
    assert worst(case, criterion) > 0.9
    balance(case.invariance, criterion)
    assert worst(case, criterion) < 6e-3
    balance(case.invariance, criterion, sweeps=40, settled=0.0)
    assert worst(case, criterion) < 1e-6


@both
def test_sweeps_end_when_nothing_moves(build: Build, paper: str, criterion: Criterion) -> None:
    case = build(paper)
    case.backward()
    done = balance(case.invariance, criterion, sweeps=100, settled=1e-3)
    assert done.sweeps == len(done.moves) < 100
    assert done.moves[-1] <= 1e-3 < done.moves[-2]
    # attention has no factor but its unit's
    assert done.factors is not None
    moved = [float(done.factors[units.attention[0]].log().abs().max()) for units in case.invariance.units]
    assert done.largest == pytest.approx(max(moved))


@both
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("spec", [SMALL, "gat(layers=3,hidden=12,heads=3,dropout=0.0,residual=true)", TIED])
def test_no_sweep_raises_the_total_energy(build: Build, criterion: Criterion, profile: Profile, spec: str) -> None:
    case = build(spec)
    case.backward()
    rescale(case.invariance, case.lambdas(spread=4.0))
    seen, moves = [float(Energies(case.invariance, criterion).total())], list[float]()
    for _ in range(20):
        moves += balance(case.invariance, criterion, sweeps=1, profile=profile).moves
        seen.append(float(Energies(case.invariance, criterion).total()))
        assert seen[-1] <= seen[-2] * (1 + 1e-12)
    if profile == "corrected":
        assert moves[0] == pytest.approx(math.log(10)), "some units wanted to move further than they may"


@both
@pytest.mark.parametrize("relaxation", [0.5, 1.3, 1.9])
def test_no_relaxed_sweep_raises_the_total_energy(build: Build, criterion: Criterion, relaxation: float) -> None:
    case = build(SMALL)
    case.backward()
    energies = Energies(case.invariance, criterion)
    energies.factors = case.lambdas(spread=4.0)
    seen = [float(energies.total())]
    for _ in range(20):
        _sweep(energies, "corrected", relaxation)
        seen.append(float(energies.total()))
        assert seen[-1] <= seen[-2] * (1 + 1e-12)
    assert seen[-1] < 0.9 * seen[0]


@both
def test_the_balanced_network_has_the_least_energy_of_its_class(build: Build, criterion: Criterion) -> None:
    case = build(SMALL)
    case.backward()
    balance(case.invariance, criterion, sweeps=100, settled=0.0)
    energies = Energies(case.invariance, criterion)
    least = float(energies.total())
    for seed in range(5):
        energies.factors = case.lambdas(seed, spread=0.1)
        assert float(energies.total()) > least


@both
def test_a_balanced_network_stays(build: Build, paper: str, criterion: Criterion) -> None:
    case = build(paper)
    case.backward()
    balance(case.invariance, criterion, sweeps=100, settled=0.0)
    again = balance(case.invariance, criterion, settled=0.0)
    assert again.largest < 1e-6


@both
@pytest.mark.parametrize("spec", [SMALL, TIED, "sage(layers=3,hidden=8,dropout=0.0)"])
def test_there_is_one_balanced_network_in_a_class(build: Build, criterion: Criterion, spec: str) -> None:
    balanced = []
    for spread in (0.0, 1.0):
        case = build(spec)
        case.backward()
        rescale(case.invariance, case.lambdas(seed=7, spread=spread))
        balance(case.invariance, criterion, sweeps=1000 if spec == TIED else 100, settled=1e-12)
        balanced.append(case.values())
    for left, right in zip(*balanced, strict=True):
        assert float((left - right).abs().max()) <= 1e-8 * float(left.abs().max())


@pytest.mark.parametrize("profile", PROFILES)
def test_relative_gradients_without_gradients_are_refused_and_nothing_is_changed(
    build: Build, profile: Profile
) -> None:
    case = build(SMALL)
    before = case.values()
    with pytest.raises(MethodError, match="needs gradients; call it after a backward pass"):
        balance(case.invariance, "relative_gradient", profile=profile)
    assert same(before, case.values())


def no_attention(case: Any) -> None:
    for units in case.invariance.units:
        for attention in units.attention:
            attention.zero_()


def zero_entries(case: Any) -> None:
    for units in case.invariance.units:
        for matrix in (*units.incoming, *units.attention):
            matrix[matrix.abs() < matrix.abs().median()] = 0.0


def dead_unit(case: Any) -> None:
    units = case.invariance.units[1]
    for made in (*units.incoming, *units.biases):
        made[3] = 0.0


def unread_unit(case: Any) -> None:
    units = case.invariance.units[1]
    for read in (*units.outgoing, *units.attention):
        read[..., 3] = 0.0


@both
@pytest.mark.parametrize("spoil", [no_attention, zero_entries, dead_unit, unread_unit])
def test_zeros_are_no_obstacle(build: Build, criterion: Criterion, spoil: Callable[[Any], None]) -> None:
    case = build(SMALL)
    with torch.no_grad():
        spoil(case)
    case.backward()
    before, energies = case.logits(), Energies(case.invariance, criterion)
    done = balance(case.invariance, criterion)
    assert done.factors is not None and done.largest > 0.1
    sides = [(energies.made(index), energies.read(index)) for index in range(len(energies.factors))]
    # zeros also make units that are never active, whose gradients are 0 or rounding
    exactly, nearly = (sum(int(((a <= tiny) | (b <= tiny)).sum()) for a, b in sides) for tiny in (0.0, 1e-20))
    assert exactly <= done.resting <= nearly < 16
    assert done.resting > 0 or spoil not in (dead_unit, unread_unit)
    assert all(bool(torch.isfinite(value).all()) for value in (*case.values(), *case.gradients()))
    torch.testing.assert_close(case.logits(), before, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("side", ["incoming", "outgoing"])
def test_a_unit_without_gradient_on_one_side_rests(build: Build, side: str) -> None:
    case = build(SMALL)
    case.backward()
    units = case.invariance.units[1]
    if side == "incoming":
        units.incoming[0].grad[3] = 0.0
    else:
        for read in (*units.outgoing, *units.attention):
            read.grad[..., 3] = 0.0
    before = case.logits()
    done = balance(case.invariance, "relative_gradient")
    assert done.resting == 1
    assert done.factors is not None
    # what scores a unit has no factor but its own
    assert done.factors[units.attention[0]].flatten()[3] == 1
    torch.testing.assert_close(case.logits(), before, atol=1e-10, rtol=1e-10)


@both
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_thrown_away(build: Build, criterion: Criterion, bad: float) -> None:
    case = build(SMALL)
    case.backward()
    case.invariance.units[0].outgoing[0].grad[1, 2] = bad
    before, gradients = case.values(), case.gradients()
    done = balance(case.invariance, criterion)
    assert done.factors is None
    assert same(before, case.values())
    for old, new in zip(gradients, case.gradients(), strict=True):
        assert torch.equal(old.nan_to_num(7.0), new.nan_to_num(7.0))


def test_factors_beyond_the_parameters_precision_are_thrown_away(build: Build) -> None:
    case = build(SMALL, torch.float32)
    case.backward()
    with torch.no_grad():
        case.invariance.units[0].incoming[0].mul_(1e-17)
        case.invariance.units[0].biases[0].fill_(1e38)
    before = case.values()
    assert balance(case.invariance, "weight_norm").factors is None
    assert same(before, case.values())


def test_the_released_code_loses_the_network_where_attention_is_zero(build: Build) -> None:
    """Specification 3.3: relative gradients of parameters of 0 are infinite there, so every factor is the smallest."""
    outputs, moves = [], []
    for profile in PROFILES:
        case = build(SMALL, torch.float32)
        with torch.no_grad():
            no_attention(case)
        case.backward()
        before = case.logits()
        moves.append(balance(case.invariance, "relative_gradient", profile=profile).moves)
        outputs.append(case.logits())
    torch.testing.assert_close(outputs[0], before, atol=1e-5, rtol=1e-5)
    assert moves[1] == pytest.approx([math.log(1e5)] * 10)
    assert not bool(torch.isfinite(outputs[1]).all())


def test_the_released_code_moves_at_most_by_two_and_never_stops_early(build: Build) -> None:
    case = build(SMALL)
    with torch.no_grad():
        case.invariance.units[1].incoming[0][3] *= 1e-3
    done = balance(case.invariance, "weight_norm", sweeps=3, profile="release")
    assert done.moves[0] == pytest.approx(math.log(2))
    balance(case.invariance, "weight_norm", sweeps=200)
    assert balance(case.invariance, "weight_norm", profile="release").sweeps == 10


@both
def test_both_profiles_find_the_same_network(build: Build, criterion: Criterion) -> None:
    found = []
    for profile in PROFILES:
        case = build(SMALL)
        case.backward()
        balance(case.invariance, criterion, sweeps=100, profile=profile, settled=0.0)
        found.append(case.values())
    for left, right in zip(*found, strict=True):
        assert float((left - right).abs().max()) <= 1e-8 * float(left.abs().max())


@both
def test_balancing_touches_no_graph(build: Build, criterion: Criterion, monkeypatch: pytest.MonkeyPatch) -> None:
    case = build(SMALL)
    case.backward()

    def fail(*args: Any) -> None:
        raise AssertionError("an operation on a graph")

    for name in ("_multiply", "_kernels", "attend_by_edges"):
        monkeypatch.setattr(aggregate, name, fail)
    with pytest.raises(AssertionError, match="an operation on a graph"):
        case.logits()
    assert balance(case.invariance, criterion).factors is not None

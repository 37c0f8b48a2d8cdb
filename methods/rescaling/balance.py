"""Bringing a network to the balanced one of its equivalence class, by sweeps of a closed form.

Source: Mustafa and Burkholz 2024. In the logarithms of the factors each criterion is where a convex function, the total
energy, is least, and the closed form is its exact minimum along one group of units; so sweeps never raise it, whatever
the bounds of the factors. The energy is symmetric about that minimum, so moves up to twice as long do not raise it
either: sweeps may be over-relaxed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from methods.invariance import Invariance
from methods.rescaler import Factors
from methods.rescaling.criteria import Criterion, Energies
from methods.rescaling.moments import Moments
from methods.rescaling.rescale import factors_of, rescale

Profile = Literal["corrected", "release"]
"""`release` does what the published code does: no guard against parameters of 0, factors from 1e-5 to 2, always all
sweeps. `corrected`: units without energy on one side stay as they are, factors from 0.1 to 10 a sweep, all sweeps but
the last are over-relaxed, sweeps end when nothing moves, and a result that is not finite is thrown away."""

_BOUNDS: dict[Profile, tuple[float, float]] = {"release": (1e-5, 2.0), "corrected": (0.1, 10.0)}
_RELAXATION = (
    1.3  # after ten sweeps of five layers the imbalance is a hundredth of what 1 leaves; 1.2 and 1.4 are worse
)
_DEAD = 1e-38  # less energy than this is none
_SETTLED = 1e-4  # largest |log factor| of a sweep that is worth another sweep


@dataclass(frozen=True)
class Balanced:
    """What balancing did.

    Attributes:
        factors: of each parameter, or None where nothing was changed.
        sweeps: how many were made.
        largest: largest |log factor| of any unit, all its sweeps together.
        resting: units left alone because one side has no energy, in the last sweep.
        moves: largest |log factor| of each sweep.
    """

    factors: Factors | None
    sweeps: int
    largest: float
    resting: int
    moves: tuple[float, ...]


def balance(
    invariance: Invariance,
    criterion: Criterion,
    *,
    sweeps: int = 10,
    profile: Profile = "corrected",
    settled: float = _SETTLED,
    optimizer: Optimizer | None = None,
    moments: Moments = "leave",
) -> Balanced:
    """Rescale until what makes each unit and what reads it have equal energy, or the sweeps are used up.

    Args:
        settled: with the profile `corrected`, sweeps end once no |log factor| is larger.
        optimizer, moments: as in `methods.rescaling.rescale.rescale`.

    Raises:
        MethodError: the criterion needs gradients and there are none; nothing is changed then.
    """
    energies = Energies(invariance, criterion, guarded=profile == "corrected")
    steps: list[float] = []
    resting = 0
    for left in reversed(range(sweeps)):
        moves, still = _sweep(energies, profile, _RELAXATION if profile == "corrected" and left else 1.0)
        resting = int(torch.stack(still).sum())
        steps.append(float(torch.stack([move.log().abs().max() for move in moves]).max()))
        if profile == "corrected" and not steps[-1] > settled:
            break
    largest = max(float(factor.log().abs().max()) for factor in energies.factors)
    if profile == "corrected" and not _is_safe(invariance, energies.factors):
        return Balanced(None, len(steps), largest, resting, tuple(steps))
    factors = rescale(invariance, energies.factors, optimizer, moments)
    return Balanced(factors, len(steps), largest, resting, tuple(steps))


def _sweep(energies: Energies, profile: Profile, relaxation: float) -> tuple[list[Tensor], list[Tensor]]:
    """One pass from input to output, each group after the ones before it: the moves, and how many units rest."""
    low, high = _BOUNDS[profile]
    moves, still = [], []
    for index in range(len(energies.factors)):
        made, read = energies.made(index), energies.read(index)
        # units of one group that read each other move at once, so each goes half the way
        share = 0.5 if energies.tied(index) else relaxation
        move = (read / made) ** (share / (2 * energies.power))
        if profile == "corrected":
            alive = torch.isfinite(made) & torch.isfinite(read) & (made > _DEAD) & (read > _DEAD)
            move = torch.where(alive, move, torch.ones_like(move))
            still.append((~alive).sum())
        else:
            still.append(torch.isnan(move).sum())
            move = torch.nan_to_num(move, nan=1.0)
        move = move.clamp(low, high)
        energies.factors[index] = energies.factors[index] * move
        moves.append(move)
    return moves, still


def _is_safe(invariance: Invariance, factors: list[Tensor]) -> bool:
    """Whether all rescaled parameters and gradients would be finite."""
    if not all(bool(torch.isfinite(factor).all()) for factor in factors):
        return False
    for parameter, factor in factors_of(invariance, factors).items():
        finite = torch.isfinite(parameter.detach() * factor).all()
        if parameter.grad is not None:
            finite = finite & torch.isfinite(parameter.grad / factor).all()
        if not bool(finite):
            return False
    return True

"""Multiplying hidden units: parameters, their gradients, and the optimizer's memory of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from methods.errors import MethodError
from methods.invariance import Invariance
from methods.rescaler import Factors
from methods.rescaling.moments import Moments, rescale_moments


def rescale(
    invariance: Invariance,
    units: Sequence[Tensor],
    optimizer: Optimizer | None = None,
    moments: Moments = "leave",
) -> Factors:
    """Multiply hidden units by factors, and divide what reads them (spec of the map: `methods.invariance`).

    Gradients that are there are divided by the factor of their parameter (Mustafa and Burkholz 2024, Lemma 2.1).

    Args:
        units: positive factors of each group of units, [size] each.
        optimizer: whose state follows by the policy `moments`, or None.

    Returns:
        The factor of each parameter.

    Raises:
        MethodError: a factor is not positive and finite, the counts do not fit, or the optimizer's state cannot follow;
            nothing is changed then.
    """
    _check(invariance, units)
    factors = factors_of(invariance, units)
    if optimizer is not None:
        rescale_moments(optimizer, factors, moments)
    with torch.no_grad():
        for parameter, factor in factors.items():
            parameter.mul_(factor)
            if parameter.grad is not None:
                parameter.grad.div_(factor)
    return factors


def factors_of(invariance: Invariance, units: Sequence[Tensor]) -> dict[Tensor, Tensor]:
    """The factor of each parameter, in its own type and broadcastable to it."""
    factors: dict[Tensor, Tensor] = {}

    def multiply(parameter: Tensor, factor: Tensor) -> None:
        factors[parameter] = factors[parameter] * factor if parameter in factors else factor

    for group, values in zip(invariance.units, units, strict=True):
        values = values.double()
        for parameter in (*group.incoming, *group.biases):
            multiply(parameter, values.view(-1, *[1] * (parameter.dim() - 1)))
        for parameter in group.outgoing:
            multiply(parameter, 1 / values)
        for parameter in group.attention:
            multiply(parameter, (1 / values).view_as(parameter))
    return {parameter: factor.to(parameter.dtype) for parameter, factor in factors.items()}


def _check(invariance: Invariance, units: Sequence[Tensor]) -> None:
    sizes, given = [group.size for group in invariance.units], [tuple(values.shape) for values in units]
    if given != [(size,) for size in sizes]:
        raise MethodError(f"the network has {sizes} hidden units, but the factors have shapes {given}")
    if not all(bool((torch.isfinite(values) & (values > 0)).all()) for values in units):
        raise MethodError("factors of hidden units must be positive and finite")

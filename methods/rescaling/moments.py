"""What becomes of an optimizer's memory when the parameters it belongs to are rescaled."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.optim import Optimizer, RMSprop

from methods.errors import MethodError
from methods.rescaler import Factors

Moments = Literal["leave", "transform", "reset"]
"""`leave` them, as the released code does; `transform` them to what they were had the network always been the rescaled
one, so that the next step is the rescaled network's; or `reset` them, as if training began."""

_POWER = {
    # averages of gradients shrink as gradients do
    "exp_avg": -1,
    "momentum_buffer": -1,
    "grad_avg": -1,
    "prev": -1,
    "exp_inf": -1,
    # averages and sums of squared gradients
    "exp_avg_sq": -2,
    "max_exp_avg_sq": -2,
    "square_avg": -2,
    "sum": -2,
    # an average of parameters
    "ax": 1,
    # of steps that do not depend on the size of gradients
    "acc_delta": 0,
    "step_size": 0,
}
"""To which power of the factor of its parameter the state of torch's optimizers goes, by its name."""


def rescale_moments(optimizer: Optimizer, factors: Factors, policy: Moments) -> None:
    """Apply a policy to the state of all parameters that were multiplied.

    Raises:
        MethodError: with `transform`, an optimizer keeps something that is not known here; nothing is changed then.
    """
    if policy == "leave":
        return
    states = [(state, factor) for parameter, factor in factors.items() if (state := optimizer.state.get(parameter))]
    if policy == "reset":
        for state, _ in states:
            state.clear()
        return
    # numbers are counts and rates; tensors belong to entries of the parameter
    entries = [
        (name, value, factor)
        for state, factor in states
        for name, value in state.items()
        if isinstance(value, Tensor) and value.dim() > 0
    ]
    powers = [_power(name, optimizer) for name, _, _ in entries]
    for (_, value, factor), power in zip(entries, powers, strict=True):
        value.mul_(torch.pow(factor, power))


def _power(name: str, optimizer: Optimizer) -> int:
    if name not in _POWER:
        kind = type(optimizer).__name__
        raise MethodError(f"moments=transform does not know what {kind} keeps as '{name}'; use moments=leave or reset")
    # RMSprop's momentum is of gradients that were divided by their size already
    return 0 if name == "momentum_buffer" and isinstance(optimizer, RMSprop) else _POWER[name]

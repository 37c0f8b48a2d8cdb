"""The optimizer of a trial: torch's own, with the protocol's learning rate, weight decay and schedule."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from bench.protocol import OPTIMIZERS, Protocol


def make_optimizer(model: nn.Module, protocol: Protocol) -> Optimizer:
    """torch's optimizer of the protocol's name over all parameters of a model.

    A model may say `parameter_groups()`: dictionaries with `params`, `lr` and `weight_decay`, where None means the
    protocol's value.
    """
    optimizer = _uncompiled(getattr(torch.optim, OPTIMIZERS[protocol.optimizer]))
    settings: dict[str, Any] = {"lr": protocol.learning_rate, "weight_decay": protocol.weight_decay}
    declare = getattr(model, "parameter_groups", None)
    if declare is None:
        return optimizer(model.parameters(), **settings)
    groups = [
        {**{key: value for key, value in group.items() if value is not None}, "own_rate": group["lr"] is not None}
        for group in declare()
    ]
    return optimizer(groups, **settings)


@cache
def _uncompiled(optimizer: type[Optimizer]) -> type[Optimizer]:
    """The same optimizer without the marks that tell torch's compiler to keep out.

    The first of them imports the compiler, which takes each trial's process seconds and 100 MB, and no trial compiles.
    """
    add_param_group, zero_grad, step = (
        inspect.unwrap(getattr(optimizer, name)) for name in ("add_param_group", "zero_grad", "step")
    )
    # what the mark on `step` does beside: only a differentiable optimizer records its own steps
    own = {"add_param_group": add_param_group, "zero_grad": zero_grad, "step": torch.no_grad()(step)}
    return type(optimizer.__name__, (optimizer,), own)


def decay(optimizer: Optimizer, protocol: Protocol, epochs: int) -> None:
    """Lower the learning rate where the protocol says so; groups with a rate of their own keep it.

    Args:
        epochs: how many are finished.
    """
    if protocol.decay == 1 or epochs % protocol.decay_every:
        return
    for group in optimizer.param_groups:
        if not group.get("own_rate"):
            group["lr"] *= protocol.decay

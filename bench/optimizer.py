"""The optimizer of a trial: torch's own, with the protocol's learning rate, weight decay and schedule."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim import Optimizer

from bench.protocol import OPTIMIZERS, Protocol


def make_optimizer(model: nn.Module, protocol: Protocol) -> Optimizer:
    """torch's optimizer of the protocol's name over all parameters of a model.

    A model may say `parameter_groups()`: dictionaries with `params`, `lr` and `weight_decay`, where None means the
    protocol's value.
    """
    optimizer = getattr(torch.optim, OPTIMIZERS[protocol.optimizer])
    settings = {"lr": protocol.learning_rate, "weight_decay": protocol.weight_decay}
    declare = getattr(model, "parameter_groups", None)
    if declare is None:
        return optimizer(model.parameters(), **settings)
    groups = [
        {**{key: value for key, value in group.items() if value is not None}, "own_rate": group["lr"] is not None}
        for group in declare()
    ]
    return optimizer(groups, **settings)


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

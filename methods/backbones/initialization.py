"""Initialisations of a whole network that rescaling experiments start from (Mustafa et al. 2023, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from methods.errors import SpecError
from methods.invariance import Layer

Initialization = Literal["default", "looks_linear", "balanced"]
"""`default` leaves what the layers drew. `looks_linear`: mirrored orthogonal blocks, so that without attention the
network is a linear map at the start. `balanced`: the same with attention 0 and every unit's incoming and outgoing
weights of equal norm."""


def initialize(layers: Sequence[Layer], how: Initialization) -> None:
    """Draw the matrices of a chain of layers again; biases become 0, because equal shifts would break the mirror.

    Raises:
        SpecError: a hidden width is odd, so that its units cannot be mirrored, or there are no layers.
    """
    if how == "default":
        return
    if not layers:
        raise SpecError(f"initialization={how} needs a backbone that declares its layers; see methods/invariance.py")
    with torch.no_grad():
        for position, layer in enumerate(layers):
            for weight in layer.weights:
                weight.copy_(_mirrored(weight, position < len(layers) - 1, position > 0, how))
            for attention in layer.attention:
                # N(0, 1 / channels): Xavier of the [1, 1, channels] tensor that the released code draws
                nn.init.normal_(attention, std=attention.shape[-1] ** -0.5)
            for bias in layer.biases:
                bias.zero_()
        if how == "balanced":
            _balance(layers)


def _mirrored(weight: Tensor, rows: bool, columns: bool, how: Initialization) -> Tensor:
    """[U; -U], [U -U; -U U] or [U -U] with an orthogonal U."""
    outputs, inputs = weight.shape
    if (rows and outputs % 2) or (columns and inputs % 2):
        width = outputs if rows and outputs % 2 else inputs
        raise SpecError(f"initialization={how} mirrors units, so the width {width} must be even")
    block = weight.new_empty(outputs // (1 + rows), inputs // (1 + columns))
    nn.init.orthogonal_(block)
    if columns:
        block = torch.cat([block, -block], dim=1)
    return torch.cat([block, -block], dim=0) if rows else block


def _balance(layers: Sequence[Layer]) -> None:
    """Attention 0, rows of the first layer of squared norm 2, every column as long as the row it reads."""
    before: Tensor | None = None
    for layer in layers:
        for attention in layer.attention:
            attention.zero_()
        joint = torch.cat(list(layer.weights), dim=0 if before is not None else 1)
        if before is None:
            scale = (2 / joint.square().sum(1)).sqrt()
            for weight in layer.weights:
                weight.mul_(scale.unsqueeze(1))
        else:
            scale = (before / joint.square().sum(0)).sqrt()
            for weight in layer.weights:
                weight.mul_(scale)
        before = torch.cat(list(layer.weights), dim=1).square().sum(1)

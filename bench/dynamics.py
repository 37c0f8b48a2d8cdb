"""What training does to a network's weights: norms, gradients and balance, sampled every few epochs.

Source: Mustafa and Burkholz 2024, Figs. 7 and 8 (relative gradients of layers), Fig. 6 (gradients) and Fig. 2 (how far
hidden units are out of balance); as there, after clipping and before the optimizer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from methods.errors import MethodError
from methods.invariance import Invariance
from methods.rescaling.criteria import TINY, Criterion, Energies, imbalance

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of the imbalance over the hidden units of one group."""

OF_LAYERS = ("relative_gradient_norm", "attention_relative_gradient_norm", "gradient_norm", "weight_norm")
"""One number a layer. With g the gradient, the square roots of the sums over all entries of the weight matrices of
(g / weight)^2, where a weight of 0 counts nothing, of g^2 and of weight^2; the second is the first of the attention
vectors, and not a number in a layer without attention."""

OF_UNITS: dict[str, Criterion] = {
    "weight_norm_imbalance": "weight_norm",
    "relative_gradient_imbalance": "relative_gradient",
}
"""Quantiles over the hidden units between two layers of (A - B) / (A + B), from -1 to 1. A is the energy of what makes
a unit and B that of what reads it, attention included, by the criterion on the right."""

_DIGITS = 6  # more would only make the store of long runs larger


class DynamicsRecorder:
    """Samples a network while it trains; nothing where the network declares no invariance.

    A sample stays on the device as one tensor, so that no step waits for it.

    Args:
        model: the network that is trained, on its device.
        every: epochs between two samples.
    """

    def __init__(self, model: nn.Module, every: int) -> None:
        self.every = every
        declare = getattr(model, "invariance", None)
        self._invariance: Invariance | None = None if declare is None else declare()
        self._epochs: list[int] = []
        self._samples: list[Tensor] = []
        if self._invariance is not None:
            device = next(model.parameters()).device
            self._quantiles = torch.tensor(QUANTILES, dtype=torch.float64, device=device)

    def wants(self, epoch: int) -> bool:
        """Whether the first step of this epoch, counted from 0, is to be sampled."""
        return self._invariance is not None and epoch % self.every == 0

    @torch.no_grad()
    def record(self, epoch: int) -> None:
        """Take a sample. All gradients of the step must be there; call it before the optimizer moves the weights."""
        assert self._invariance is not None
        weights, gradients, relative = _norms([layer.weights for layer in self._invariance.layers])
        if any(layer.attention for layer in self._invariance.layers):
            attention = _norms([layer.attention for layer in self._invariance.layers])[2]
        else:
            attention = torch.full_like(relative, math.nan)
        parts = [relative, attention, gradients, weights]
        if self._invariance.units:
            parts += [self._imbalance(self._invariance, criterion) for criterion in OF_UNITS.values()]
        self._epochs.append(epoch)
        self._samples.append(torch.cat(parts))

    def results(self) -> list[dict[str, Any]]:
        """Each quantity as {"quantity", "epochs", "values"}: one item a sample, as `OF_LAYERS` and `OF_UNITS` say.

        Plain JSON of six significant digits; what is not finite is None.
        """
        if not self._samples:
            return []
        assert self._invariance is not None
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(OF_LAYERS, (len(self._invariance.layers),))
        if self._invariance.units:
            shapes |= dict.fromkeys(OF_UNITS, (len(self._invariance.units), len(QUANTILES)))
        columns = torch.stack(self._samples).cpu().split([math.prod(shape) for shape in shapes.values()], dim=1)
        return [
            {"quantity": name, "epochs": self._epochs, "values": _plain(column.reshape(-1, *shape).tolist())}
            for (name, shape), column in zip(shapes.items(), columns, strict=True)
        ]

    def _imbalance(self, invariance: Invariance, criterion: Criterion) -> Tensor:
        """[groups * quantiles] of the signed relative imbalance of hidden units."""
        groups = len(invariance.units)
        try:
            energies = Energies(invariance, criterion)
        except MethodError:  # a weight that is frozen or that no loss reaches has no gradient
            return self._quantiles.new_full((groups * len(QUANTILES),), math.nan)
        signed = (imbalance(energies.made(group), energies.read(group)) for group in range(groups))
        return torch.cat([values.quantile(self._quantiles) for values in signed])


def _norms(groups: Sequence[Sequence[Tensor]]) -> Tensor:
    """Norms of weights, gradients and relative gradients of each group, [3, groups] float64; NaN of an empty group."""
    parameters = [parameter for group in groups for parameter in group]
    weights = _joined(parameters)
    gradients = _joined([torch.zeros_like(each) if each.grad is None else each.grad for each in parameters])
    relative = (gradients / weights).masked_fill_(weights.abs() < TINY, 0.0)
    sizes = [sum(parameter.numel() for parameter in group) for group in groups]
    entries = torch.stack([weights, gradients, relative]).split(sizes, dim=1)
    nothing = weights.new_full((3,), math.nan)
    return torch.stack([part.square().sum(1).sqrt() if part.numel() else nothing for part in entries], dim=1)


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors]).double()


def _plain(values: Any) -> Any:
    if isinstance(values, list):
        return [_plain(value) for value in values]
    return float(f"{values:.{_DIGITS}g}") if math.isfinite(values) else None

"""What training does to a network: norms, gradients and balance of its weights, and how smooth its layers make nodes.

Sampled every few epochs, after clipping and before the optimizer.
Source: Mustafa and Burkholz 2024, Figs. 7 and 8 (relative gradients of layers), Fig. 6 (gradients) and Fig. 2 (how far
hidden units are out of balance); Cai and Wang 2020 (Dirichlet energy along layers); Wang et al. 2023 (the constraint).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bench.evaluation import parts
from methods.errors import MethodError
from methods.graph import GraphView
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

OF_STEPS = ("dirichlet_energy", "constraint")
"""One number a layer that passes messages or a propagation step, on the full graph, without dropout and, under a
quantizer, with rounded values. The first is tr(H^T L H) of the state after it, with one more in front of what enters
the first of them. The second is by how much a step of `smp` breaks its constraint before the correction, T - threshold
E: one a step, and only where the method computes it. On a set of graphs they are sums over unions of graphs, as
predictions are made."""

_DIGITS = 6  # more would only make the store of long runs larger


class DynamicsRecorder:
    """Samples a network while it trains: its weights where it declares an invariance, its states where it shows them.

    Samples stay on the device, so that no step waits for them.

    Args:
        model: the network that is trained, on its device.
        every: epochs between two samples.
        graph: the full graph, on which states are looked at.
    """

    def __init__(self, model: nn.Module, every: int, graph: GraphView) -> None:
        self.every = every
        declare = getattr(model, "invariance", None)
        self._invariance: Invariance | None = None if declare is None else declare()
        self._traces = hasattr(model, "propagation_trace")
        self._model, self._graph = model, graph
        self._epochs: list[int] = []
        self._samples: list[dict[str, Tensor]] = []
        self._quantiles = torch.tensor(QUANTILES, dtype=torch.float64, device=graph.x.device)

    def wants(self, epoch: int) -> bool:
        """Whether the first step of this epoch, counted from 0, is to be sampled."""
        return (self._invariance is not None or self._traces) and epoch % self.every == 0

    @torch.no_grad()
    def record(self, epoch: int) -> None:
        """Take a sample. All gradients of the step must be there; call it before the optimizer moves the weights."""
        self._epochs.append(epoch)
        of_weights = {} if self._invariance is None else self._of_weights(self._invariance)
        self._samples.append({**of_weights, **(self._of_states() if self._traces else {})})

    def results(self) -> list[dict[str, Any]]:
        """Each quantity as {"quantity", "epochs", "values"}: one item a sample, as the constants above say.

        Plain JSON of six significant digits; what is not finite is None.
        """
        return [
            {
                "quantity": name,
                "epochs": self._epochs,
                "values": _plain(torch.stack([sample[name] for sample in self._samples]).tolist()),
            }
            for name in (self._samples[0] if self._samples else ())
        ]

    def _of_weights(self, invariance: Invariance) -> dict[str, Tensor]:
        """[layers] of each of `OF_LAYERS`, [groups, quantiles] of each of `OF_UNITS` where there are hidden units."""
        weights, gradients, relative = _norms([layer.weights for layer in invariance.layers])
        if any(layer.attention for layer in invariance.layers):
            attention = _norms([layer.attention for layer in invariance.layers])[2]
        else:
            attention = torch.full_like(relative, math.nan)
        found = dict(zip(OF_LAYERS, (relative, attention, gradients, weights), strict=True))
        if invariance.units:
            found |= {name: self._imbalance(invariance, criterion) for name, criterion in OF_UNITS.items()}
        return found

    def _of_states(self) -> dict[str, Tensor]:
        """[steps + 1] or [steps] of each of `OF_STEPS` that the network gives."""
        was_training = self._model.training
        self._model.eval()
        traces = [self._model.propagation_trace(part) for part in parts(self._graph)]  # type: ignore[operator]
        self._model.train(was_training)
        return {
            name: torch.stack([trace[name] for trace in traces if name in trace]).sum(0)
            for name in OF_STEPS
            if any(name in trace for trace in traces)
        }

    def _imbalance(self, invariance: Invariance, criterion: Criterion) -> Tensor:
        """[groups, quantiles] of the signed relative imbalance of hidden units."""
        groups = len(invariance.units)
        try:
            energies = Energies(invariance, criterion)
        except MethodError:  # a weight that is frozen or that no loss reaches has no gradient
            return self._quantiles.new_full((groups, len(QUANTILES)), math.nan)
        signed = (imbalance(energies.made(group), energies.read(group)) for group in range(groups))
        return torch.stack([values.quantile(self._quantiles) for values in signed])


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

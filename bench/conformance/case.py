"""What the checks inside one process have in common: the plug-in, a method it works in, and small graphs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.conformance.posed import CPU
from bench.conformance.target import Target
from bench.datasets.graph_data import GraphData
from bench.trial import pose
from methods.graph import GraphView
from methods.method import Method
from methods.parameters import parameters_of
from methods.plugin import find
from methods.problem import Problem
from methods.spec import Spec, Value, parse_spec


@dataclass(frozen=True)
class Case:
    """A plug-in, a method that trains with it, and the sealed dataset it trains on."""

    target: Target
    method: Method
    data: GraphData

    def problem(self) -> Problem:
        """A fresh training problem."""
        return pose(self.data, 0, CPU)[0]


Promise = Callable[[Case], str]
"""Looks whether something holds; returns the sentence of a check that passed, or raises as `checked` expects."""


def sized(backbone: str | Spec, **wanted: Value) -> Spec:
    """A backbone as a small network; what it has no parameter for, or what is written out, stays as it is."""
    spec = parse_spec(backbone) if isinstance(backbone, str) else backbone
    known = parameters_of(find(spec.name)[1])
    small = {name: value for name, value in {"layers": 2, "hidden": 16, **wanted}.items() if name in known}
    return Spec(spec.name, {**small, **spec.parameters})


def usual_partner(target: Target) -> str:
    """What a plug-in is tried with first, to make a method."""
    return "full_batch" if target.kind == "backbone" else "gcn"


def written(target: Target, partner: str) -> str:
    """The method of a plug-in and a partner, with small networks."""
    text = f"{sized(target.spec)}+{partner}" if target.kind == "backbone" else f"{sized(partner)}+{target.spec}"
    return Method.parse(text).name


def outputs(model: nn.Module, view: GraphView) -> Tensor:
    """What a model predicts, in evaluation; its mode stays."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        out = model(view)
    model.train(was_training)
    return out


def difference(first: Tensor, second: Tensor) -> float:
    """Largest absolute difference, over the largest entry where that is above 1."""
    if first.shape != second.shape:
        return float("inf")
    return float((first - second).abs().max()) / max(1.0, float(first.abs().max()))


def shaken(model: nn.Module) -> nn.Module:
    """The same network with nothing 0 or 1 by accident: biases, gains and shifts become random."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() <= 1:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model

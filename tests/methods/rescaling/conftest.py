"""Small networks in any precision that the tests of rescaling try their map on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from methods.adjacency import Adjacency
from methods.backbones.backbone import Backbone
from methods.graph import GraphView
from methods.invariance import Invariance
from methods.method import Method
from methods.problem import Problem

PAPER = "gatv2(layers=5,hidden=64,heads=1,share_weights=true,bias=false,dropout=0.0,initialization=looks_linear)"


def _problem(dtype: torch.dtype) -> Problem:
    """An undirected random graph of 60 nodes, p = 0.1, with 8 features and 3 classes."""
    generator = torch.Generator().manual_seed(1)
    sources, targets = torch.ones(60, 60).triu(1).nonzero().t()
    kept = torch.rand(sources.numel(), generator=generator) < 0.1
    ends = torch.stack([sources[kept], targets[kept]])
    sources, targets = torch.cat([ends, ends.flip(0)], 1)
    view = GraphView(
        x=torch.randn(60, 8, generator=generator, dtype=torch.float64).to(dtype),
        adjacency=Adjacency.from_edges(sources, targets, 60, symmetric=True),
        y=torch.randint(3, (60,), generator=generator),
        train_mask=torch.ones(60, dtype=torch.bool),
    )
    return Problem(view, "multiclass", 3, torch.Generator().manual_seed(0))


@dataclass
class Case:
    """A network and what it is trained on."""

    model: Backbone
    problem: Problem

    @property
    def invariance(self) -> Invariance:
        declared = self.model.invariance()
        assert declared is not None
        return declared

    def logits(self) -> Tensor:
        self.model.eval()
        with torch.no_grad():
            return self.model(self.problem.graph)

    def backward(self) -> dict[Parameter, Tensor]:
        """Fresh gradients, left in the parameters and returned as copies."""
        self.model.zero_grad()
        loss = self.problem.loss(self.model(self.problem.graph), self.problem.graph)
        loss.backward()
        return {parameter: parameter.grad.clone() for parameter in self.model.parameters()}

    def train(self, optimizer: Optimizer, steps: int) -> None:
        for _ in range(steps):
            self.backward()
            optimizer.step()

    def values(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.model.parameters()]

    def gradients(self) -> list[Tensor]:
        return [parameter.grad.clone() for parameter in self.model.parameters()]

    def set(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self.model.parameters(), values, strict=True):
                parameter.copy_(value)

    def lambdas(self, seed: int = 0, spread: float = 1.0) -> list[Tensor]:
        """Log-normal factors of all hidden units."""
        generator = torch.Generator().manual_seed(seed)
        sizes = [units.size for units in self.invariance.units]
        return [(spread * torch.randn(size, generator=generator, dtype=torch.float64)).exp() for size in sizes]


@pytest.fixture
def build() -> Callable[..., Case]:
    """Makes a network on the random graph; its biases are not 0, and `steps` of Adam have trained it."""

    def make(spec: str = PAPER, dtype: torch.dtype = torch.float64, seed: int = 0, steps: int = 0) -> Case:
        problem = _problem(dtype)
        torch.manual_seed(seed)
        model = Method.parse(spec).build_backbone(problem).to(dtype)
        assert isinstance(model, Backbone)
        case = Case(model, replace(problem, hops=model.hops))
        with torch.no_grad():
            for bias in (bias for units in case.invariance.units for bias in units.biases):
                bias.normal_(std=0.3)
        case.train(torch.optim.Adam(model.parameters(), lr=0.01), steps)
        return case

    return make


@pytest.fixture
def paper() -> str:
    """The network of the paper: five layers of attention with one matrix each, mirrored at the start."""
    return PAPER

"""Cost of one training step of every strategy: drawing what the step sees, forward, backward, update."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.asv.sample_problem import sample_problem
from methods import plugin
from methods.method import Method
from methods.problem import Progress

BACKBONE = "gcn(layers=2,hidden=64)"


class Step:
    """The first step of an epoch, by strategy, as `bench.training` makes it."""

    params = plugin.names("strategy")
    param_names = ("strategy",)
    timeout = 600

    def setup(self, strategy: str) -> None:
        method = Method.parse(f"{BACKBONE}+{strategy}")
        self.strategy = method.build("strategy")
        problem = self.strategy.prepare(sample_problem())
        self.model = method.build_backbone(problem).train()
        self.problem = replace(problem, hops=self.model.hops)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)
        self.time_step(strategy)  # kernels are compiled with the first call

    def time_step(self, strategy: str) -> None:
        self._step()

    def peakmem_step(self, strategy: str) -> None:
        self._step()

    def track_edges_per_step(self, strategy: str) -> int:
        return sum(term.view.num_edges for term in self._terms())

    track_edges_per_step.unit = "edges"  # type: ignore[attr-defined]

    def _terms(self) -> list:
        return next(iter(self.strategy.steps(self.problem, Progress(0, 0.0))))

    def _step(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        for term in self._terms():
            (term.weight * self.problem.loss(self.model(term.view), term.view)).backward()
        self.optimizer.step()


class Preparation:
    """What a strategy does once before training, charged as preprocessing."""

    params = plugin.names("strategy")
    param_names = ("strategy",)
    timeout = 600

    def setup(self, strategy: str) -> None:
        self.problem = sample_problem()
        self.method = Method.parse(f"{BACKBONE}+{strategy}")

    def time_prepare(self, strategy: str) -> None:
        self.method.build("strategy").prepare(self.problem)

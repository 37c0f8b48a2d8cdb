"""Epochs of the trial's trainer, each followed by the same epoch of a bare loop."""

from __future__ import annotations

import time
from itertools import pairwise

import torch
from torch import nn

from bench.clock import TimeLedger
from bench.datasets.registry import load
from bench.optimizer import make_optimizer
from bench.perf.contenders.networks import DROPOUT, HIDDEN
from bench.protocol import Protocol
from bench.training import Trainer
from bench.trial import pose
from methods.method import Method
from methods.problem import Problem

_METHOD = f"gcn(layers=3,hidden={HIDDEN},dropout={DROPOUT})"
_UNTIMED = 3


def measure(dataset: str, epochs: int, cache_dir: str | None) -> dict[str, list[float]]:
    """Seconds of each epoch by the ledger's scored time of the trial, and of the bare loop, {"trial", "bare loop"}.

    The bare epoch runs while the trainer reports an evaluation, so the two alternate epoch by epoch.
    """
    data = load(dataset, cache_dir=cache_dir).sealed(0)
    problem, evaluator = pose(data, 0, torch.device("cpu"))
    method = Method.parse(_METHOD)
    protocol = Protocol(epochs=epochs + _UNTIMED)
    bare_model = method.build_backbone(problem).train()
    bare_optimizer = make_optimizer(bare_model, protocol)
    scored, bare = [0.0], []

    def after_evaluation(point: dict[str, float], spent: float) -> None:
        scored.append(point["scored_seconds"])
        bare.append(_bare_epoch(bare_model, bare_optimizer, problem))

    ledger, model, strategy = TimeLedger(), method.build_backbone(problem), method.build("strategy")
    Trainer(problem, model, strategy, None, None, protocol, evaluator, ledger, after_evaluation).run()
    trial = [after - before for before, after in pairwise(scored)]
    return {"trial": trial[_UNTIMED:], "bare loop": bare[_UNTIMED:]}


def _bare_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, problem: Problem) -> float:
    started = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    problem.loss(model(problem.graph), problem.graph).backward()
    optimizer.step()
    return time.perf_counter() - started

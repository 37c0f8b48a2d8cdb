"""Turns of some epochs of one network: with rebalancing, with recorded dynamics, and with neither, in turn."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from bench import presets
from bench.clock import TimeLedger
from bench.datasets.registry import load
from bench.evaluation import Evaluator
from bench.protocol import Protocol
from bench.training import Trainer
from bench.trial import pose
from methods.method import Method
from methods.problem import Problem


def measure(
    dataset: str,
    variants: dict[str, dict[str, Any]],
    epochs: int,
    turns: int,
    data_dir: str | None,
    cache_dir: str | None,
) -> dict[str, list[float]]:
    """Seconds of each turn of each variant; evaluation is left out, everything else is in.

    Args:
        variants: `rescaler`, a spec or None, and `dynamics_every` as suites write it, by name.
        epochs: of a turn.
    """
    problem, _ = pose(load(dataset, data_dir, cache_dir).sealed(0), 0, torch.device("cpu"))
    settings, backbone = presets.load("dynamic_rescaling").settings(dataset, "gatv2")
    settings = {**settings, "epochs": epochs, "evaluate_every": epochs}
    made = {
        name: _Variant(
            problem,
            Method.parse("+".join(filter(None, ("gatv2", variant["rescaler"]))), backbone),
            Protocol.from_settings({**settings, "dynamics_every": variant["dynamics_every"]}),
        )
        for name, variant in variants.items()
    }
    for each in made.values():  # compiles and loads everything, as a trial does
        each.turn()
    seconds: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(turns):
        for name, each in made.items():
            seconds[name].append(each.turn())
    return seconds


class _Variant:
    """A network that goes on training, turn by turn, each with an optimizer and a rescaler of its own."""

    def __init__(self, problem: Problem, method: Method, protocol: Protocol) -> None:
        torch.manual_seed(0)
        self.problem, self.method, self.protocol = problem, method, protocol
        self.model = method.build_backbone(problem)

    def turn(self) -> float:
        strategy, rescaler = self.method.build("strategy"), self.method.build("rescaler")
        trainer = Trainer(
            self.problem, self.model, strategy, rescaler, None, self.protocol, _Blind(), TimeLedger(), _ignore
        )
        started = time.perf_counter()
        trainer.run()
        return time.perf_counter() - started


class _Blind(Evaluator):
    """Evaluates nothing: the ledger keeps evaluation and dynamics in one account, and only the second is asked for."""

    def __init__(self) -> None:
        nothing = np.empty(0, np.int64)
        super().__init__("accuracy", nothing, nothing, nothing)

    def evaluate(self, model: torch.nn.Module, problem: Problem) -> tuple[float, dict[str, np.ndarray]]:
        return 0.0, {}


def _ignore(point: dict[str, float], spent: float) -> None:
    return None

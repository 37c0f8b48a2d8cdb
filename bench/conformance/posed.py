"""A method on a small graph inside this process, put together as a trial does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import nn

from bench.clock import TimeLedger
from bench.datasets.graph_data import GraphData
from bench.evaluation import Evaluator
from bench.protocol import Protocol
from bench.training import Outcome, Trainer
from bench.trial import pose, prepared
from methods.method import Method
from methods.problem import Problem
from methods.quantizer import Quantizer
from methods.rescaler import Rescaler
from methods.strategy import Strategy

CPU = torch.device("cpu")


class Parts(NamedTuple):
    """A method that is ready to train."""

    problem: Problem
    model: nn.Module
    strategy: Strategy
    rescaler: Rescaler | None
    quantizer: Quantizer | None
    evaluator: Evaluator


def build(method: Method, data: GraphData, seed: int = 0) -> Parts:
    """Prepare a sealed dataset and make the network, everything random from the seed."""
    problem, evaluator = pose(data, seed, CPU)
    torch.manual_seed(seed)
    quantizer, strategy, rescaler = method.build("quantizer"), method.build("strategy"), method.build("rescaler")
    problem = prepared(strategy, problem)
    model = method.build_backbone(problem)
    problem = replace(problem, hops=getattr(model, "hops", None))
    if quantizer is not None:
        model = quantizer.apply(model, problem)
    return Parts(problem, model, strategy, rescaler, quantizer, evaluator)


def trainer(parts: Parts, report: Callable[[dict[str, Any], float], None] | None = None, **settings: Any) -> Trainer:
    """A trainer by the default protocol, without samples of dynamics.

    Args:
        settings: of the protocol.
    """
    protocol = Protocol(**{"dynamics_every": None, **settings})
    return Trainer(
        parts.problem, parts.model, parts.strategy, parts.rescaler, parts.quantizer, protocol, parts.evaluator,
        TimeLedger(), report or _silent,
    )  # fmt: skip


def train(method: Method, data: GraphData, seed: int = 0, **settings: Any) -> Outcome:
    """Train once."""
    return trainer(build(method, data, seed), **settings).run()


def _silent(point: dict[str, Any], spent: float) -> None:
    pass

"""A few steps of sampled mini-batches and one evaluation, with the graph in memory or on disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from statistics import median

import torch

from bench.datasets.registry import load
from bench.meters import resident
from bench.meters.memory import MemoryMeter
from bench.meters.sampler import Sampler
from bench.optimizer import make_optimizer
from bench.protocol import Protocol
from bench.stored_problem import pose_on_disk
from bench.trial import pose
from bench.warm_up import warm_up
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem, Progress
from methods.strategy import Strategy

_SAMPLING_SECONDS = 0.002
_UNTIMED = 2


def measure(dataset: str, method: str, steps: int, data_dir: str | None, cache_dir: str | None) -> dict[str, float]:
    """Train some steps, then predict the validation and test nodes once.

    Returns:
        `seconds`, the median of a step, its view included; `resident`, the peak of the resident set above its level
        after loading, and `anonymous`, that of the part that no file holds, both while training; `evaluation`, the same
        as `resident` while predicting; and `evaluation_seconds`.
    """
    parsed, protocol = Method.parse(method), Protocol(dynamics_every=None)
    strategy = parsed.build("strategy")
    torch.manual_seed(0)
    poses = pose_on_disk if strategy.graph == "disk" else pose
    problem, evaluator = poses(load(dataset, data_dir, cache_dir).sealed(0), 0, torch.device("cpu"))
    warm_up(parsed, problem, protocol)
    memory = MemoryMeter("cpu")
    memory.start()
    anonymous = _AnonymousPeak()
    problem = strategy.prepare(problem)
    model = parsed.build_backbone(problem).train()
    problem = replace(problem, hops=model.hops)
    optimizer, seconds = make_optimizer(model, protocol), []
    views = islice(_views(strategy, problem), _UNTIMED + steps)
    for _ in range(_UNTIMED + steps):
        started = time.perf_counter()
        view = next(views)
        optimizer.zero_grad(set_to_none=True)
        problem.loss(model(view), view).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - started)
    peak = anonymous.stop()
    del view
    with memory.excluded():
        evaluator.evaluate(model, problem)
        # what the allocator keeps of an evaluation would count as the peak of training
        resident.give_back_free_memory()
    numbers = memory.stop().numbers
    return {
        "seconds": median(seconds[_UNTIMED:]),
        "resident": numbers["rss_above_start"]["bytes"],
        "anonymous": peak,
        "evaluation": numbers["evaluation"]["bytes"],
        "evaluation_seconds": evaluator.inference_seconds[0],
    }


class _AnonymousPeak:
    """The largest anonymous part of the resident set above its level now, sampled: the kernel keeps no peak of it."""

    def __init__(self) -> None:
        self._level = self._peak = resident.anonymous_bytes()
        self._sampler = Sampler(self._look, _SAMPLING_SECONDS)
        self._sampler.start()

    def _look(self) -> None:
        self._peak = max(self._peak, resident.anonymous_bytes())

    def stop(self) -> int:
        self._sampler.stop()
        return self._peak - self._level


def _views(strategy: Strategy, problem: Problem) -> Iterator[GraphView]:
    for epoch in count():
        for step in strategy.steps(problem, Progress(epoch, 0.0)):
            yield step[0].view

"""What one process measures about a network: training epochs with their peak memory, and agreement with another."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bench.meters.memory import MemoryMeter
from bench.perf.contenders.graphs import arxiv_sized
from bench.perf.contenders.networks import CONTENDERS, Contender, paired_parameters
from methods.graph import GraphView

EPOCHS = 3


def train(contender: str, **graph: Any) -> dict[str, float | int | None]:
    """Median seconds of an epoch after an untimed one, and the peak memory of all of them in bytes.

    Features and edges in the contender's own form are its input: they and the loaded libraries lie below the peak.
    """
    small = arxiv_sized(True, None, None).view
    _epochs(CONTENDERS[contender](small), small, 1)  # compiles and loads everything, as a trial does
    view = arxiv_sized(**graph).view
    competitor = CONTENDERS[contender](view)
    meter = MemoryMeter("cpu")
    meter.start()
    seconds = _epochs(competitor, view, EPOCHS + 1)
    return {"seconds": statistics.median(seconds[1:]), "peak_bytes": meter.stop().peak_bytes}


def agreement(ours: str, theirs: str, **graph: Any) -> dict[str, float]:
    """Largest difference of the logits and of the gradients of two networks with the same weights, without dropout.

    Differences are divided by the largest logit and by the largest gradient of any parameter. Not by each tensor's own
    largest: a first layer's gradient is 50 times smaller than the last one's, and what float32 leaves of it differs by
    1e-4 of itself between PyG and float64, while ours differs by 3e-5.
    """
    view = arxiv_sized(**graph).view
    torch.manual_seed(0)
    left, right = CONTENDERS[ours](view), CONTENDERS[theirs](view)
    pairs = paired_parameters(left.network, right.network)
    with torch.no_grad():
        for mine, other in pairs:
            mine.uniform_(-0.2, 0.2)
            other.copy_(mine.view_as(other))
    logits = [_logits_and_gradients(contender, view) for contender in (left, right)]
    return {
        "logits": _difference(*logits),
        "gradients": _difference(
            torch.cat([_gradient(mine).flatten() for mine, _ in pairs]),
            torch.cat([_gradient(other).flatten() for _, other in pairs]),
        ),
    }


def describe(**graph: Any) -> dict[str, Any]:
    """What the figures depend on."""
    view, origin = arxiv_sized(**graph)
    return {"graph": origin, "nodes": view.num_nodes, "entries": view.num_edges, "torch": torch.__version__}


def _epochs(contender: Contender, view: GraphView, count: int) -> list[float]:
    contender.network.train()
    optimizer = torch.optim.Adam(contender.network.parameters(), lr=0.01)
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        optimizer.zero_grad()
        _loss(contender.forward(), view).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - started)
    return seconds


def _logits_and_gradients(contender: Contender, view: GraphView) -> Tensor:
    contender.network.eval()
    logits = contender.forward()
    _loss(logits, view).backward()
    return logits.detach()


def _loss(logits: Tensor, view: GraphView) -> Tensor:
    return functional.cross_entropy(logits[view.train_mask], view.y[view.train_mask])


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _difference(left: Tensor, right: Tensor) -> float:
    return float((left - right).abs().max() / right.abs().max())

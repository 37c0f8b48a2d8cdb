"""Bare kernels of sparse aggregation, one product `A @ x` without gradients."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from bench.perf.contenders.graphs import arxiv_sized
from bench.perf.interleave import Sample, interleave
from methods.adjacency import Adjacency
from methods.aggregate import aggregate

WIDTHS = (128, 256)


def measure(rounds: int, **graph: Any) -> dict[int, dict[str, list[float]]]:
    """Seconds by width, kernel and round."""
    view = arxiv_sized(**graph).view
    operator = view.adjacency.normalized("symmetric", self_loops=True)
    seconds = {}
    for width in WIDTHS:
        variants = _kernels(operator, torch.randn(view.num_nodes, width))
        with torch.inference_mode():
            interleave(variants, 1)  # first calls pay for what later ones find ready
            samples = interleave(variants, rounds).samples
        seconds[width] = {name: [turn.seconds for turn in turns] for name, turns in samples.items()}
    return seconds


def _kernels(operator: Adjacency, x: Tensor) -> dict[str, Callable[[], Sample]]:
    sources, targets = operator.indices.long(), operator.row_of_entry()
    assert operator.values is not None
    weights, csr = operator.values.unsqueeze(1), operator.sparse_tensor()
    return {
        "LeanGNN aggregate": _timed(lambda: aggregate(operator, x)),
        "torch.sparse.mm": _timed(lambda: torch.sparse.mm(csr, x)),
        "PyG scatter": _timed(lambda: scatter(x[sources] * weights, targets, dim_size=operator.rows, reduce="sum")),
    }


def _timed(kernel: Callable[[], Tensor]) -> Callable[[], Sample]:
    def turn() -> Sample:
        started = time.perf_counter()
        kernel()
        return Sample(time.perf_counter() - started)

    return turn

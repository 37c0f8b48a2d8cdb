"""The nodes that mini-batches on one graph are made of."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from methods.errors import MethodError
from methods.problem import Problem


def training_nodes(problem: Problem) -> Tensor:
    """Nodes with a training label, [k] int64 on the problem's device.

    Raises:
        MethodError: the problem is a set of graphs, or has no training label.
    """
    graph = problem.graph
    if graph.graph_ptr is not None or graph.level == "graph":
        raise MethodError(
            f"this strategy draws from one graph, but the data is a set of {graph.num_graphs} graphs; "
            "use full_batch, which takes graphs in batches"
        )
    nodes = graph.train_mask.nonzero().squeeze(1)
    if nodes.numel() == 0:
        raise MethodError(f"none of the graph's {graph.num_nodes} nodes has a training label; give at least one")
    return nodes


def shuffled_batches(positions: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Nodes, or graphs of a set, in a new order, `size` at a time; the last batch may be smaller."""
    order = torch.randperm(positions.numel(), generator=generator)
    yield from positions[order.to(positions.device)].split(size)

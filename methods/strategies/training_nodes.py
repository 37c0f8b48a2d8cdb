"""The nodes that mini-batches on one graph are made of."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from methods.disk_array import DiskArray
from methods.errors import MethodError
from methods.problem import Problem


def training_nodes(problem: Problem) -> Tensor | DiskArray:
    """Nodes with a training label, [k] int64, ascending; on the problem's device, or on disk where the graph is there.

    Raises:
        MethodError: the problem is a set of graphs, or has no training label.
    """
    if problem.stored is not None:
        return problem.stored.train
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


def shuffled_batches(positions: Tensor | DiskArray, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Nodes, or graphs of a set, in a new order, `size` at a time; the last batch may be smaller."""
    # in 32 bits, because this order is all that a graph on disk needs of each training node
    order = torch.randperm(len(positions), generator=generator, dtype=torch.int32)
    for batch in order.split(size):
        yield positions[batch.long() if isinstance(positions, DiskArray) else batch.to(positions.device).long()]

"""Full-batch training, the reference of every ratio."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from methods.parameters import PositiveFraction, PositiveInt
from methods.plugin import register
from methods.problem import Problem, Progress
from methods.strategies.training_nodes import shuffled_batches
from methods.strategy import Step, Strategy, Term


@register("strategy", "full_batch")
class FullBatch(Strategy):
    """Every step sees the whole graph; sets of many graphs are seen in shuffled batches of graphs.

    With `budget` below 1 it is the trivial control of every cheaper strategy: the same training, ended sooner.
    """

    def __init__(self, *, graphs_per_step: PositiveInt = 256, budget: PositiveFraction = 1.0) -> None:
        self.graphs_per_step, self.budget = graphs_per_step, budget

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        graph = problem.graph
        if graph.graph_ptr is None:
            yield [Term(1.0, graph)]
            return
        for batch in shuffled_batches(training_graphs(problem), self.graphs_per_step, problem.generator):
            yield [Term(1.0, graph.graphs(batch.to(problem.device)))]


def training_graphs(problem: Problem) -> torch.Tensor:
    """Positions of the graphs that hold at least one training label, [k] int64 on the CPU."""
    graph = problem.graph
    assert graph.graph_ptr is not None
    mask = graph.train_mask
    if graph.level == "node":
        counts = torch.cat([mask.new_zeros(1, dtype=torch.int64), mask.long().cumsum(0)])[graph.graph_ptr]
        mask = counts[1:] > counts[:-1]
    return mask.nonzero().squeeze(1).cpu()

"""Full-batch training: one step with the whole graph, or shuffled batches of graphs."""

from __future__ import annotations

from dataclasses import replace

import torch

from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.problem import Problem, Progress
from methods.strategies.full_batch import FullBatch, training_graphs


def problem(level: str, mask: list[bool], graph_ptr: torch.Tensor | None) -> Problem:
    nodes = 8
    empty = Adjacency(torch.zeros(nodes + 1, dtype=torch.int64), torch.empty(0, dtype=torch.int64), nodes)
    labels = torch.zeros(len(mask), dtype=torch.int64)
    view = GraphView(torch.zeros(nodes, 1), empty, labels, torch.tensor(mask), level, graph_ptr)  # type: ignore[arg-type]
    return Problem(view, "multiclass", 2, torch.Generator().manual_seed(0))


START = Progress(epoch=0, fraction=0.0)
POINTERS = torch.tensor([0, 1, 3, 6, 8])


def test_one_graph_is_one_step_of_weight_one() -> None:
    posed = problem("node", [True] * 8, None)
    ((term,),) = FullBatch().steps(posed, START)
    assert term.weight == 1 and term.view is posed.graph


def test_training_graphs_are_seen_once_an_epoch_in_batches() -> None:
    posed = problem("graph", [True, False, True, True], POINTERS)
    steps = list(FullBatch(graphs_per_step=2).steps(posed, START))
    assert [term.view.num_graphs for (term,) in steps] == [2, 1]
    nodes = torch.cat([term.view.nodes for (term,) in steps if term.view.nodes is not None])
    assert sorted(nodes.tolist()) == [0, 3, 4, 5, 6, 7]


def test_the_order_is_shuffled_anew_by_the_problem_s_own_generator() -> None:
    posed = problem("graph", [True] * 4, POINTERS)

    def orders(posed: Problem) -> list[list[int]]:
        views = [step[0].view for _ in range(6) for step in FullBatch().steps(posed, START)]
        return [view.nodes.tolist() for view in views if view.nodes is not None]

    first = orders(posed)
    assert len({tuple(order) for order in first}) > 1
    assert orders(replace(posed, generator=torch.Generator().manual_seed(0))) == first


def test_graphs_whose_nodes_have_training_labels() -> None:
    posed = problem("node", [False, False, True, False, False, False, True, True], POINTERS)
    assert training_graphs(posed).tolist() == [1, 3]

"""Predictions on the full graph: by hand on a model that says what it is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from bench.evaluation import GRAPHS_AT_ONCE, Evaluator, as_predictions, predict
from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.problem import Problem


class Says(nn.Module):
    """Returns its features as outputs and remembers in which mode it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.modes: list[bool] = []

    def forward(self, view: GraphView) -> torch.Tensor:
        self.modes.append(self.training)
        return view.x


class CountsNodes(nn.Module):
    """One output a graph: its first feature, taken from its first node."""

    def forward(self, view: GraphView) -> torch.Tensor:
        assert view.graph_ptr is not None
        assert view.num_graphs <= GRAPHS_AT_ONCE
        return view.x[view.graph_ptr[:-1]]


def problem_of(outputs: list[list[float]]) -> Problem:
    x = torch.tensor(outputs)
    nodes = len(outputs)
    adjacency = Adjacency.from_edges(torch.tensor([0]), torch.tensor([1]), nodes)
    view = GraphView(x, adjacency, torch.full((nodes,), -1), torch.zeros(nodes, dtype=torch.bool))
    return Problem(view, "multiclass", x.shape[1], torch.Generator())


def test_classes_are_the_largest_output_and_only_validation_is_scored() -> None:
    problem = problem_of([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0], [5.0, 4.0]])
    evaluator = Evaluator("accuracy", valid=np.array([3, 0]), test=np.array([1, 2]), valid_labels=np.array([0, 0]))
    metric, predictions = evaluator.evaluate(Says(), problem)
    # node 3 says class 0 and is right, node 0 says class 1 and is wrong
    assert metric == 0.5
    assert predictions["valid"].tolist() == [0, 1]
    assert predictions["test"].tolist() == [0, 1]


def test_scores_of_binary_tasks_are_kept_as_numbers() -> None:
    problem = problem_of([[-1.0], [0.25], [3.0], [0.5]])
    evaluator = Evaluator("roc_auc", valid=np.array([0, 1, 2]), test=np.array([3]), valid_labels=np.array([0, 1, 0]))
    metric, predictions = evaluator.evaluate(Says(), problem)
    # the one positive (0.25) is above -1 and below 3
    assert metric == 0.5
    assert evaluator.balanced_accuracy(predictions) == 0.75  # the one positive, and one of two negatives
    assert predictions["test"].dtype == np.float32
    assert predictions["test"].tolist() == [0.5]


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_asked_in_evaluation_mode_and_left_as_it_was(training: bool) -> None:
    model = Says().train(training)
    evaluator = Evaluator("accuracy", np.array([0]), np.array([1]), np.array([1]))
    evaluator.evaluate(model, problem_of([[0.0, 1.0], [1.0, 0.0]]))
    assert (model.modes, model.training) == ([False], training)
    assert len(evaluator.inference_seconds) == 1


def test_many_graphs_are_predicted_in_unions_and_in_their_order() -> None:
    graphs = GRAPHS_AT_ONCE + 3
    first = torch.arange(graphs, dtype=torch.float32)
    x = torch.stack([first, torch.full_like(first, -1.0)], 1).reshape(-1, 1)  # two nodes a graph
    even = torch.arange(0, 2 * graphs, 2)
    adjacency = Adjacency.from_edges(torch.cat([even, even + 1]), torch.cat([even + 1, even]), 2 * graphs)
    ptr = torch.arange(0, 2 * graphs + 1, 2)
    view = GraphView(x, adjacency, torch.zeros(graphs, dtype=torch.int64), torch.ones(graphs, dtype=torch.bool),
                     "graph", ptr)  # fmt: skip
    assert torch.equal(predict(CountsNodes(), view).squeeze(1), first)


def test_predictions_have_one_number_a_label() -> None:
    logits = torch.tensor([[1.0], [-2.0]], dtype=torch.bfloat16)
    assert as_predictions(logits, "roc_auc").tolist() == [1.0, -2.0]
    assert as_predictions(torch.tensor([[0.0, 0.5, 0.2]]), "accuracy").tolist() == [1]

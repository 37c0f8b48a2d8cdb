"""The loss of a problem sees training labels and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.problem import Problem


def problem(task: str, labels: list[int]) -> Problem:
    view = GraphView(
        x=torch.zeros(3, 1),
        adjacency=Adjacency(torch.zeros(4, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 3),
        y=torch.tensor(labels),
        train_mask=torch.tensor([True, False, True]),
    )
    return Problem(view, task, 2 if task == "multiclass" else 1, torch.Generator())  # type: ignore[arg-type]


def test_cross_entropy_by_hand() -> None:
    posed = problem("multiclass", [0, -1, 1])
    logits = torch.tensor([[math.log(3), 0.0], [50.0, 0.0], [0.0, 0.0]])
    # softmax gives 3/4 to the right class of node 0 and 1/2 to that of node 2
    expected = -(math.log(3 / 4) + math.log(1 / 2)) / 2
    assert float(posed.loss(logits, posed.graph)) == pytest.approx(expected)


def test_logistic_loss_by_hand() -> None:
    posed = problem("binary", [1, -1, 0])
    logits = torch.tensor([[math.log(3)], [50.0], [0.0]])
    # the sigmoid gives 3/4 to class 1 of node 0 and 1/2 to class 0 of node 2
    expected = -(math.log(3 / 4) + math.log(1 / 2)) / 2
    assert float(posed.loss(logits, posed.graph)) == pytest.approx(expected)


def test_hidden_labels_give_no_gradient() -> None:
    posed = problem("multiclass", [0, -1, 1])
    logits = torch.randn(3, 2, requires_grad=True)
    posed.loss(logits, posed.graph).backward()
    assert logits.grad is not None
    assert logits.grad[1].tolist() == [0, 0] and bool((logits.grad[[0, 2]] != 0).any())


@pytest.mark.parametrize("task", ["multiclass", "binary"])
def test_label_weights_make_the_loss_a_weighted_sum(task: str) -> None:
    posed = problem(task, [0, -1, 1])
    logits = torch.randn(3, posed.out_features)
    one_by_one = []
    for node in (0, 2):
        mask = torch.arange(3) == node
        one_by_one.append(float(posed.loss(logits, replace(posed.graph, train_mask=mask))))
    weighted = replace(posed.graph, label_weights=torch.tensor([2.0, 100.0, 0.5]))
    assert float(posed.loss(logits, weighted)) == pytest.approx(2.0 * one_by_one[0] + 0.5 * one_by_one[1], rel=1e-5)


@pytest.mark.parametrize("task", ["multiclass", "binary"])
def test_a_view_without_labels_has_no_loss_and_no_gradient(task: str) -> None:
    posed = problem(task, [0, -1, 1])
    logits = torch.randn(3, posed.out_features, requires_grad=True)
    loss = posed.loss(logits, replace(posed.graph, train_mask=torch.zeros(3, dtype=torch.bool)))
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None and not bool(logits.grad.any())

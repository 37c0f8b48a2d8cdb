"""The telescoping sum, exactly (specification 9.3.1 to 9.3.4)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from methods.method import Method
from methods.problem import Problem
from methods.strategies.multiscale.pooled import PooledCoarsener
from methods.strategies.multiscale.random_pooling import RandomPooling
from methods.strategies.multiscale.telescoping import differences, remainder
from methods.strategy import Step


@pytest.fixture
def problem(graphs) -> Problem:
    graph = graphs.view_of(graphs.random_adjacency(60, 300, True, 0))
    return graphs.posed(replace(graph, x=graph.x.double()))


@pytest.fixture
def model(problem: Problem) -> torch.nn.Module:
    torch.manual_seed(0)
    return Method.parse("gcn(layers=2,hidden=8,dropout=0.0)").build_backbone(problem).double()


def gradient(model: torch.nn.Module, problem: Problem, step: Step) -> torch.Tensor:
    total = sum(term.weight * problem.loss(model(term.view), term.view) for term in step)
    return torch.cat([part.flatten() for part in torch.autograd.grad(total, list(model.parameters()))])


def hierarchy(problem: Problem, levels: int) -> list:
    coarsener = PooledCoarsener(RandomPooling(), 2.0, 1, None)
    coarsener.prepare(problem.graph, levels, problem.generator)
    return coarsener.views(None, tuple(range(levels)))


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_equal_levels_give_the_fine_gradient(problem: Problem, model: torch.nn.Module, levels: int) -> None:
    pairs = [(problem.graph, problem.graph)] * (levels - 1)
    step = [*differences(pairs), *remainder(problem.graph, levels - 1)]
    assert torch.allclose(
        gradient(model, problem, step), gradient(model, problem, remainder(problem.graph, 0)), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_shared_coarsenings_cancel_for_any_hierarchy(problem: Problem, model: torch.nn.Module, levels: int) -> None:
    views = hierarchy(problem, levels)
    step = [*differences(pairwise(views)), *remainder(views[-1], levels - 1)]
    fine = gradient(model, problem, remainder(problem.graph, 0))
    assert torch.allclose(gradient(model, problem, step), fine, rtol=0, atol=1e-12)
    alone = gradient(model, problem, remainder(views[-1], levels - 1))
    assert (alone - fine).norm() > 0.1 * fine.norm()


def test_a_coarse_loss_above_the_fine_one_is_still_subtracted(problem: Problem, model: torch.nn.Module) -> None:
    views = hierarchy(problem, 2)
    worse = (problem.loss(model(views[1]), views[1]) > problem.loss(model(views[0]), views[0])).item()
    # whichever loss is larger, one of the two orders has a coarse loss above the fine one
    fine, coarse = views if worse else views[::-1]
    step = differences([(fine, coarse)])
    expected = gradient(model, problem, remainder(fine, 0)) - gradient(model, problem, remainder(coarse, 0))
    assert torch.allclose(gradient(model, problem, step), expected, rtol=0, atol=1e-12)
    assert expected.norm() > 1e-3


def test_signs_scales_and_modes(problem: Problem) -> None:
    views = hierarchy(problem, 3)
    step = [*differences(pairwise(views), lasts=4), *remainder(views[-1], 2)]
    assert [(term.weight, term.scale, term.mode, term.lasts) for term in step] == [
        (1.0, 0, "train", 4),
        (-1.0, 1, "keep_statistics", 4),
        (1.0, 1, "keep_statistics", 4),
        (-1.0, 2, "keep_statistics", 4),
        (1.0, 2, "keep_statistics", 1),
    ]

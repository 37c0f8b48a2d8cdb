"""Batch norms get the finest graph's statistics before an evaluation, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from methods.graph import GraphView
from methods.method import Method
from methods.problem import Progress
from methods.strategies.multiscale.batch_norm import reestimate_batch_norms, sample_of
from methods.strategies.multiscale.coarse_to_fine import CoarseToFine

GCN = "gcn(layers=3,hidden=8,norm=batch,dropout=0.5,input_dropout=0.3)"


class Watched(nn.Module):
    """Two batch norms around a dropout; remembers what went through."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop, self.second = nn.BatchNorm1d(5), nn.Dropout(0.5), nn.BatchNorm1d(5, momentum=0.3)
        self.inputs: list[torch.Tensor] = []

    def forward(self, view: GraphView) -> torch.Tensor:
        middle = self.drop(self.first(view.x))
        self.inputs = [view.x, middle]
        return self.second(middle)


def test_statistics_are_those_of_one_pass_without_dropout(graphs) -> None:
    graph, model = graphs.view_of(graphs.path_of(50)), Watched().train()
    model(graphs.view_of(graphs.path_of(20), seed=1))
    state = torch.get_rng_state()
    reestimate_batch_norms(model, lambda: graph)
    assert torch.equal(torch.get_rng_state(), state)
    for norm, seen in zip((model.first, model.second), model.inputs, strict=True):
        assert torch.allclose(norm.running_mean, seen.mean(0), atol=1e-6)
        assert torch.allclose(norm.running_var, seen.var(0), atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("tracked", [True, False])
def test_modes_momenta_weights_and_gradients_are_restored(graphs, training: bool, tracked: bool) -> None:
    graph, model = graphs.view_of(graphs.path_of(50)), Watched().train(training)
    model.second.track_running_stats = tracked
    model(graph).square().sum().backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    weights = [parameter.detach().clone() for parameter in model.parameters()]
    reestimate_batch_norms(model, lambda: graph)
    assert all(module.training is training for module in model.modules())
    assert (model.first.momentum, model.second.momentum) == (0.1, 0.3)
    assert (model.first.track_running_stats, model.second.track_running_stats) == (True, tracked)
    for parameter, weight, gradient in zip(model.parameters(), weights, gradients, strict=True):
        assert torch.equal(parameter, weight) and torch.equal(parameter.grad, gradient)


def test_a_single_node_changes_nothing(graphs) -> None:
    model = Watched().train()
    before = [buffer.clone() for buffer in model.buffers()]
    reestimate_batch_norms(model, lambda: graphs.view_of(graphs.path_of(1)))
    assert all(torch.equal(*pair) for pair in zip(before, model.buffers(), strict=True))


def test_a_model_without_batch_norms_is_not_run() -> None:
    def never() -> GraphView:
        raise AssertionError("the view was made")

    reestimate_batch_norms(nn.Sequential(nn.LayerNorm(4), nn.BatchNorm1d(4, track_running_stats=False)), never)


@pytest.mark.parametrize(("settings", "fine_steps", "changes"), [
    ({}, 0, False), ({}, 1, True), ({}, 50, False), ({"fine_parts": 2}, 50, True), ({"levels": 1}, 1, False),
    ({"finest": 2}, 0, True), ({"profile": "release"}, 1, False),
])  # fmt: skip
def test_on_the_last_level_until_the_running_statistics_have_forgotten_the_others(
    graphs, settings: dict[str, Any], fine_steps: int, changes: bool
) -> None:
    problem = graphs.posed(graphs.view_of(graphs.random_adjacency(60, 200, True, 0)))
    strategy = CoarseToFine(**settings)
    problem = strategy.prepare(problem)
    model = Method.parse(GCN).build_backbone(problem).train()
    before = [buffer.clone() for buffer in model.buffers()]
    for fraction in [0.0, *[0.9] * fine_steps]:
        list(strategy.steps(problem, Progress(0, fraction)))
    strategy.settle(model, problem)
    assert any(not torch.equal(old, new) for old, new in zip(before, model.buffers(), strict=True)) is changes


def test_sets_of_graphs_are_sampled_evenly_and_without_random_numbers(graphs) -> None:
    problem = graphs.posed(graphs.union_of(*(graphs.path_of(3) for _ in range(9))))
    problem.graph.train_mask[:] = True
    state = problem.generator.get_state()
    view = sample_of(problem, 3)
    assert view.nodes is not None and view.nodes.tolist() == [0, 1, 2, 9, 10, 11, 18, 19, 20]
    assert sample_of(problem, 100).num_graphs == 9
    assert torch.equal(problem.generator.get_state(), state)

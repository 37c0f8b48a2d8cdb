"""Batch norms cannot be trained on a single node: such a step is left out and counted, whatever the strategy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from bench.clock import TimeLedger
from bench.errors import BenchError
from bench.protocol import Protocol
from bench.training import Outcome, Trainer
from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem

NORMED = "gcn(layers=2,hidden=8,norm=batch)"


class Silent:
    """An evaluator that does not look."""

    def evaluate(self, model: nn.Module, problem: Problem) -> tuple[float, dict[str, Any]]:
        return 0.0, {}


def paths(*sizes: int) -> Problem:
    """Undirected paths of so many nodes, every node with a label: a set of graphs, or one graph if there is but one."""
    ends = torch.tensor(sizes).cumsum(0)
    nodes = int(ends[-1])
    low = torch.arange(nodes - 1)
    low = low[~torch.isin(low + 1, ends)]
    adjacency = Adjacency.from_edges(torch.cat([low, low + 1]), torch.cat([low + 1, low]), nodes, symmetric=True)
    x = torch.randn(nodes, 5, generator=torch.Generator().manual_seed(0))
    pointers = torch.cat([ends[:1] * 0, ends]) if len(sizes) > 1 else None
    mask = torch.ones(nodes, dtype=torch.bool)
    view = GraphView(x, adjacency, torch.arange(nodes) % 3, mask, graph_ptr=pointers)
    return Problem(view, "multiclass", 3, torch.Generator().manual_seed(0))


def train(problem: Problem, strategy: str, epochs: int, backbone: str = NORMED) -> tuple[nn.Module, Outcome]:
    method = Method.parse(f"{backbone}+{strategy}")
    made = method.build("strategy")
    problem = made.prepare(problem)
    torch.manual_seed(0)
    model = method.build_backbone(problem)
    problem = replace(problem, hops=model.hops)
    protocol = Protocol(epochs=epochs)
    trainer = Trainer(problem, model, made, None, None, protocol, Silent(), TimeLedger(), lambda *_: None)  # type: ignore[arg-type]
    return model, trainer.run()


def finite(model: nn.Module) -> bool:
    return all(bool(value.isfinite().all()) for value in model.state_dict().values())


@pytest.mark.parametrize("strategy", ["full_batch", "coarse_to_fine(levels=2", "sub_to_full(levels=2"])
def test_a_graph_of_one_node_alone_in_its_batch_is_left_out_at_every_level(strategy: str) -> None:
    text = f"{strategy}{',' if '(' in strategy else '('}graphs_per_step=1)"
    # of four graphs, one a step, in four epochs on level 1 and two on level 0
    model, outcome = train(paths(1, 6, 7, 8), text, epochs=6)
    assert (outcome.steps, outcome.one_node_steps) == (6 * 3, 6) and finite(model)
    # without batch norms it is a graph like the others
    _, outcome = train(paths(1, 6, 7, 8), text, epochs=6, backbone="gcn(layers=2,hidden=8)")
    assert (outcome.steps, outcome.one_node_steps) == (6 * 4, 0)


def test_a_difference_of_losses_on_one_node_is_left_out_whole() -> None:
    # 4 steps of 3 graphs in each of 10 epochs of differences, then 5 of ordinary batches, of which one is a graph alone
    model, outcome = train(paths(1, *range(4, 16)), "multiscale_gradient(levels=2,smallest_batch=1)", epochs=20)
    assert outcome.steps + outcome.one_node_steps == 10 * 4 + 10 * 5
    assert 0 < outcome.one_node_steps < 20 and finite(model)


@pytest.mark.parametrize(
    ("strategy", "steps", "left_out"),
    [
        ("neighbor_sampling(batch_size=13,hops=0)", 3, 1),
        ("labor(batch_size=13,hops=0)", 3, 1),
        ("sgc(batch_size=13)", 3, 1),
        ("sign(batch_size=13)", 3, 1),
        ("random_nodes(parts=39)", 1, 38),
        ("cluster_gcn(parts=39,parts_per_step=1,partition=random)", 1, 38),
    ],
)
def test_mini_batches_of_one_node_are_left_out(strategy: str, steps: int, left_out: int) -> None:
    model, outcome = train(paths(40), strategy, epochs=3)
    assert (outcome.steps, outcome.one_node_steps) == (3 * steps, 3 * left_out) and finite(model)


@pytest.mark.parametrize(
    ("nodes", "strategy", "left_out"),
    [
        (1, "full_batch", 1),
        (1, "coarse_to_fine(levels=1)", 1),
        (40, "random_nodes(parts=40)", 40),
        (40, "graph_saint(sampler=node,size=1)", r"\d+"),
    ],
)
def test_an_epoch_of_nothing_else_is_said(nodes: int, strategy: str, left_out: int | str) -> None:
    message = rf"epoch 1 has no step that batch norms .* single node are left out \({left_out} so far\); take more"
    with pytest.raises(BenchError, match=message):
        train(paths(nodes), strategy, epochs=3)


def test_one_node_can_be_trained_on_with_running_statistics() -> None:
    # the published code is in evaluation mode from the second epoch on
    _, outcome = train(paths(1, 6, 7, 8), "coarse_to_fine(levels=1,graphs_per_step=1,profile=release)", epochs=4)
    assert (outcome.steps, outcome.one_node_steps) == (3 + 3 * 4, 1)

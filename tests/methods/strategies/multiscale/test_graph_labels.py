"""Sets of graphs with one label each: steps are finite, gradients flow, work is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from bench.clock import TimeLedger
from bench.protocol import Protocol
from bench.training import Trainer
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem

POOLED = (
    "coarse_to_fine(graphs_per_step=4)",
    "coarse_to_fine(graphs_per_step=4,pooling=top_k)",
    "sub_to_full(graphs_per_step=4)",
)
OTHERS = (
    "coarse_to_fine(graphs_per_step=4,pooling=heavy_edge)",
    "multiscale_gradient(levels=2,smallest_batch=1)",
    "multiscale_gradient(levels=2,smallest_batch=1,profile=release)",
)
EPOCHS = 7


class Silent:
    """An evaluator that does not look."""

    def evaluate(self, model: torch.nn.Module, problem: Problem) -> tuple[float, dict[str, Any]]:
        return 0.0, {}


@pytest.fixture
def molecules(graphs) -> Problem:
    """Twelve graphs of 10 to 21 nodes; every fourth one's label is hidden."""
    union = graphs.union_of(*(graphs.random_adjacency(10 + number, 40, True, number) for number in range(12)))
    number = torch.arange(12)
    mask = number % 4 > 0
    labels = torch.where(mask, number % 3, -1)
    return graphs.posed(replace(union, level="graph", y=labels, train_mask=mask))


@pytest.mark.parametrize("text", [*POOLED, *OTHERS])
def test_training_on_graph_labels(molecules: Problem, text: str) -> None:
    method = Method.parse(f"gcn(layers=2,hidden=16,dropout=0.0)+{text}")
    strategy = method.build("strategy")
    problem = strategy.prepare(molecules)
    torch.manual_seed(0)
    model = method.build_backbone(problem)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    seen: list[GraphView] = []
    model.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    protocol = Protocol(epochs=EPOCHS, evaluate_every=1)
    trainer = Trainer(problem, model, strategy, None, None, protocol, Silent(), TimeLedger(), lambda *_: None)  # type: ignore[arg-type]
    outcome = trainer.run()
    assert len(outcome.curve) == EPOCHS
    assert all(torch.tensor(point["train_loss"]).isfinite() for point in outcome.curve)
    for parameter, start in zip(model.parameters(), before, strict=True):
        assert parameter.isfinite().all() and not torch.equal(parameter, start)
    for view in seen:
        assert view.level == "graph" and view.y.shape == view.train_mask.shape == (view.num_graphs,)
        assert view.train_mask.all() and set(view.y.tolist()) <= {0, 1, 2}
    assert outcome.node_visits == sum(view.num_nodes for view in seen)
    assert outcome.edge_visits == sum(view.num_edges for view in seen)


@pytest.mark.parametrize("text", POOLED)
def test_a_pass_over_a_level_visits_each_graph_s_own_share_of_nodes(molecules: Problem, text: str) -> None:
    strategy = Method.parse(f"gcn+{text}").build("strategy")
    strategy.prepare(molecules)
    drawn = [
        strategy.coarsener.views(molecules.graph.train_mask.nonzero().squeeze(1), (level,))[0] for level in (0, 1, 2)
    ]
    # 11, 12, 13, 15, 16, 17, 19, 20 and 21 nodes, their halves and their quarters, rounded down
    assert [view.num_nodes for view in drawn] == [144, 69, 33]

"""What multiscale training reaches (specification 9.6): beside full batch on PubMed; on Q-Tips, where leaks show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import evaluation
from bench.clock import TimeLedger
from bench.datasets import registry
from bench.datasets.graph_data import GraphData
from bench.metrics import METRICS
from bench.protocol import Protocol
from bench.training import Outcome, Trainer
from bench.trial import pose
from methods.graph import GraphView
from methods.method import Method


def train(data: GraphData, text: str, seed: int = 0, **settings: float) -> Outcome:
    problem, evaluator = pose(data.sealed(0), seed, torch.device("cpu"))
    method = Method.parse(text)
    strategy = method.build("strategy")
    torch.manual_seed(seed)
    problem = strategy.prepare(problem)
    model = method.build_backbone(problem)
    problem = replace(problem, hops=model.hops)
    protocol = Protocol(**settings)  # type: ignore[arg-type]
    trainer = Trainer(problem, model, strategy, None, None, protocol, evaluator, TimeLedger(), lambda *_: None)
    return trainer.run()


def scored(data: GraphData, outcome: Outcome) -> float:
    return METRICS[data.metric](outcome.predictions["test"], np.asarray(data.y[data.splits[0].test]))


@pytest.mark.parametrize(
    "strategy", ["coarse_to_fine", "sub_to_full", "multiscale_gradient", "coarse_to_fine(finest=1)"]
)
def test_the_evaluator_sees_the_finest_graph_only(
    grid: GraphData, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    seen: list[GraphView] = []

    def noted(model: torch.nn.Module, graph: GraphView) -> torch.Tensor:
        seen.append(graph)
        return predict(model, graph)

    predict = evaluation.predict
    monkeypatch.setattr(evaluation, "predict", noted)
    train(grid, f"gcn(layers=2,hidden=8,norm=batch)+{strategy}", epochs=7, evaluate_every=1)
    assert len(seen) == 7
    assert {(graph.num_nodes, graph.num_edges) for graph in seen} == {(grid.nodes, grid.edges)}


@pytest.fixture(scope="module")
def tips(cache: Path) -> GraphData:
    return registry.load("q-tips(graphs=66)", cache_dir=cache)


@pytest.mark.parametrize("strategy", ["coarse_to_fine(graphs_per_step=8)", "multiscale_gradient(smallest_batch=1)"])
def test_rods_are_told_from_the_background_and_nothing_leaks_from_beyond_four_hops(
    tips: GraphData, strategy: str
) -> None:
    text = f"gcn(layers=4,hidden=32,dropout=0.0,norm=batch)+{strategy}"
    outcome = train(tips, text, epochs=14, evaluate_every=7, learning_rate=0.01)
    background = float(np.mean(tips.y[tips.splits[0].test] == 0))
    # 0.787 is the best that four hops can do on the published test set, so above 0.80 something leaks. From below a run
    # this short shows only that rods are found: a predictor blind to the tips' colours has 0.70 there, and the short
    # runs of the specification (9.7) end at 0.64 to 0.69. That the full schedule passes 0.70 is not shown here
    assert background + 0.02 < scored(tips, outcome) < 0.80


@pytest.mark.slow
@pytest.mark.parametrize(("levels", "steps_per_epoch", "fine"), [(2, 1.5, 0.5), (3, 2.8, 0.4)])
def test_pubmed_loses_at_most_a_point_to_full_batch_and_to_its_own_fine_epochs_alone(
    real_data: Path, cache: Path, levels: int, steps_per_epoch: float, fine: float
) -> None:
    data = registry.load("pubmed", real_data, cache)
    # the published schedules: 1000 (800) fine epochs after 2000 (4800) coarse ones, beside 2000 of full batch; here 30
    # (24) beside 60. The last baseline gets the fine epochs only. A point is one standard error of 1000 test nodes
    multiscale = f"coarse_to_fine(levels={levels},steps_per_epoch={steps_per_epoch})"
    backbone, settings = "gcn(layers=2,hidden=16)", {"epochs": 60, "evaluate_every": 5}
    means = [
        np.mean([scored(data, train(data, f"{backbone}+{strategy}", seed, **settings)) for seed in range(2)])
        for strategy in (multiscale, "full_batch", f"full_batch(budget={fine})")
    ]
    assert means[0] > max(means[1:]) - 0.01

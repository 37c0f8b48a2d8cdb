"""Dynamic rescaling inside the training loop: beside every kind of strategy, before clipping, and without any effect
but the one on the steps that follow."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench.clock import TimeLedger
from bench.datasets import registry
from bench.datasets.graph_data import GraphData
from bench.protocol import Protocol
from bench.training import Outcome, Trainer
from bench.trial import pose
from methods.method import Method
from methods.problem import Progress
from methods.rescaler import Factors

GAT = "gat(layers=3,hidden=8,heads=2,dropout=0.0)"
STRATEGIES = (
    "full_batch",
    "coarse_to_fine(levels=2)",
    "neighbor_sampling(batch_size=40)",
    "multiscale_gradient(levels=2,smallest_batch=20)",
)


class Trained:
    """One method, trained as a trial trains it, with every step's gradient norms."""

    def __init__(self, data: GraphData, text: str, **settings: Any) -> None:
        method = Method.parse(text)
        problem, evaluator = pose(data.sealed(0), 0, torch.device("cpu"))
        strategy, self.rescaler = method.build("strategy"), method.build("rescaler")
        torch.manual_seed(0)
        problem = strategy.prepare(problem)
        self.model = method.build_backbone(problem)
        problem = replace(problem, hops=self.model.hops)
        protocol = Protocol(**{"epochs": 9, "learning_rate": 0.01, **settings})
        parts = (strategy, self.rescaler, None, protocol, evaluator, TimeLedger(), lambda *_: None)
        trainer = Trainer(problem, self.model, *parts)  # type: ignore[arg-type]
        self.complete, self.rescaled, self.stepped = list[float](), list[float](), list[float]()
        if self.rescaler is not None:
            self._watch()
        trainer.optimizer.register_step_pre_hook(lambda *_: self.stepped.append(self._norm()))
        self.outcome: Outcome = trainer.run()

    def _watch(self) -> None:
        before_update = self.rescaler.before_update

        def noted(progress: Progress) -> Factors | None:
            self.complete.append(self._norm())
            factors = before_update(progress)
            self.rescaled.append(self._norm())
            return factors

        self.rescaler.before_update = noted

    def _norm(self) -> float:
        return float(nn.utils.get_total_norm(p.grad for p in self.model.parameters() if p.grad is not None))

    def losses(self) -> list[float]:
        return [point["train_loss"] for point in self.outcome.curve]


@pytest.mark.parametrize(
    ("rescaler", "rebalances"),
    [
        ("dr_w(every=4)", {"weight_norm": 3}),
        ("dr_rg(every=4)", {"relative_gradient": 3}),
        ("dr_c(every=4,moments=transform)", {"weight_norm": 3, "relative_gradient": 6}),
        ("layer_focus(layer=2,factor=0.1,then=dr_rg,start=5,every=2)", {"relative_gradient": 2}),
    ],
)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_trains_with_every_rescaler(
    grid: GraphData, strategy: str, rescaler: str, rebalances: dict[str, int]
) -> None:
    trained = Trained(grid, f"{GAT}+{strategy}+{rescaler}")
    losses = trained.losses()
    assert len(losses) == 9 and all(math.isfinite(loss) for loss in losses)
    assert sum(losses[-3:]) < sum(losses[:3])
    facts = json.loads(json.dumps(trained.rescaler.facts(), allow_nan=False))
    assert facts["rebalances"] == rebalances
    assert (facts["skipped"], facts["exact"], facts["violation"]) == (0, True, None)
    assert facts["first"]["largest_log_factor"] > 0.1


@pytest.mark.parametrize("clip", [0.05, 1000.0])
@pytest.mark.parametrize("rescaler", ["dr_rg(every=1)", "dr_c(every=2)"])
def test_gradients_are_clipped_after_they_were_rescaled(grid: GraphData, rescaler: str, clip: float) -> None:
    trained = Trained(grid, f"{GAT}+{rescaler}", clip=clip)
    balanced = [epoch for epoch in range(9) if rescaler.startswith("dr_rg") or epoch % 2]
    assert all(abs(trained.rescaled[epoch] / trained.complete[epoch] - 1) > 1e-4 for epoch in balanced)
    assert max(trained.stepped) <= clip * (1 + 1e-5)
    expected = [min(norm, clip) for norm in trained.rescaled]
    assert trained.stepped == pytest.approx(expected, rel=1e-4)
    assert (max(trained.rescaled) > clip) == (clip < 1)


@pytest.mark.parametrize("rescaler", ["dr_w(every=1)", "dr_rg(every=1)", "dr_c(every=2)"])
def test_without_steps_of_any_size_the_loss_stays(grid: GraphData, rescaler: str) -> None:
    trained = Trained(grid, f"{GAT}+{rescaler}", optimizer="sgd", learning_rate=1e-30)
    losses = trained.losses()
    assert losses == pytest.approx([losses[0]] * 9, abs=1e-5)
    assert losses == pytest.approx([Trained(grid, GAT, epochs=1).losses()[0]] * 9, abs=1e-5)


def test_what_rescaling_changes_is_the_path(grid: GraphData) -> None:
    plain = Trained(grid, GAT).losses()
    rescaled = Trained(grid, f"{GAT}+dr_rg").losses()
    assert plain[0] == pytest.approx(rescaled[0], abs=1e-6)
    assert plain[-1] != pytest.approx(rescaled[-1], abs=1e-5)
    late = Trained(grid, f"{GAT}+dr_rg(start=5)").losses()
    assert late[:6] == plain[:6]
    assert late[-1] != plain[-1]


def test_a_network_that_is_not_invariant_trains_and_its_record_says_so(grid: GraphData) -> None:
    trained = Trained(grid, f"{GAT.replace(')', ',activation=tanh)')}+dr_c(every=3)")
    assert all(math.isfinite(loss) for loss in trained.losses())
    facts = trained.rescaler.facts()
    assert facts["exact"] is False
    assert facts["violation"]["largest_change"] > 1e-3


@pytest.mark.slow
def test_a_first_layer_in_focus_overtakes_the_standard_network(real_data: Path, cache: Path) -> None:
    """Mustafa and Burkholz 2024, Fig. 4: slower at first, because only one layer learns, and ahead long before the
    standard network fits. That it fits (loss below 0.1) in half the epochs takes minutes and is measured by
    `leangnn perf rescaling`."""
    data = registry.load("layer-order", real_data, cache)
    network = (
        "gatv2(layers=5,hidden=10,heads=1,share_weights=true,bias=false,self_loops=false,dropout=0.0,"
        "initialization=looks_linear)"
    )
    settings: dict[str, Any] = {"epochs": 200, "learning_rate": 0.001, "clip": 3.0, "evaluate_every": 20}
    focus = Trained(data, f"{network}+layer_focus(layer=1,factor=0.002)", **settings)
    standard = Trained(data, network, **settings)
    assert focus.losses()[0] > 1.2 * standard.losses()[0]
    assert focus.losses()[-1] < 0.9 * standard.losses()[-1]
    positions = data.splits[0].test
    right = [float((run.outcome.predictions["test"] == data.y[positions]).mean()) for run in (focus, standard)]
    assert right[0] > max(right[1], 0.93), "the majority is 92 %"

"""Sampling and precomputed propagation train networks that predict on the full graph."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bench.clock import TimeLedger
from bench.datasets.graph_data import GraphData
from bench.protocol import Protocol
from bench.training import Trainer
from bench.trial import pose
from methods.method import Method

STRATEGIES = (
    "neighbor_sampling(batch_size=24,neighbors=3)",
    "labor(batch_size=24,neighbors=3)",
    "cluster_gcn(parts=8,parts_per_step=2)",
    "random_nodes(parts=2)",
    "graph_saint(sampler=node,size=60)",
    "graph_saint(sampler=edge,size=60)",
    "graph_saint(sampler=walk,size=60,coverage=20)",
    "sgc",
    "sgc(batch_size=24)",
    "sign(hops=2)",
)
BACKBONES = (
    "gcn(layers=2,hidden=16",
    "sage(layers=2,hidden=16",
    "gat(layers=2,hidden=16,heads=2",
    "mlp(layers=2,hidden=16",
)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_it_learns_the_blocks(blocks: GraphData, backbone: str, strategy: str) -> None:
    method = Method.parse(f"{backbone},dropout=0.0)+{strategy}")
    problem, evaluator = pose(blocks.sealed(0), 0, torch.device("cpu"))
    torch.manual_seed(0)
    made = method.build("strategy")
    problem = made.prepare(problem)
    model = method.build_backbone(problem)
    problem = replace(problem, hops=model.hops)
    protocol = Protocol(epochs=12, evaluate_every=4)
    outcome = Trainer(
        problem, model, made, None, None, protocol, evaluator, TimeLedger(), lambda point, spent: None
    ).run()
    assert outcome.curve[-1]["train_loss"] < outcome.curve[0]["train_loss"]
    assert outcome.validation_metric > 0.7  # three classes: chance is 1/3
    assert made.facts()["steps_per_epoch"] == outcome.steps / 12
    assert len(outcome.predictions["test"]) == len(blocks.splits[0].test)

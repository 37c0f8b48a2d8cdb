"""Every backbone, in every block style and at both levels, learns a tiny graph."""

from __future__ import annotations

import pytest
import torch

from methods.adjacency import Adjacency
from methods.backbones.backbone import mean_over_graphs
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem

STACKS = ("mlp", "gcn", "sage", "gin", "gat")
STYLES = (
    "norm=none",
    "norm=batch,residual=true,head=linear,input_dropout=0.1",
    "block=feed_forward,norm=layer",
)
SPECS = [f"{name}(hidden=16,layers=2,dropout=0.2,{style})" for name in STACKS for style in STYLES] + [
    "gat(hidden=16,layers=2,heads=4,attention_dropout=0.2,output_heads=2)",
    "gin(hidden=16,layers=2,learn_epsilon=true)",
    "gcnii(hidden=16,layers=3,dropout=0.2)",
    "appnp(hidden=16,dropout=0.2,steps=3)",
]


def problem(level: str, task: str) -> Problem:
    """40 nodes on a ring, or 10 graphs of 4; the label is the sign of the first feature (of its mean)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(40, 6, generator=generator)
    ring = torch.arange(40)
    within = ring // 4 * 4 + (ring + 1) % 4
    sources, targets = torch.cat([ring, within]), torch.cat([within, ring])
    means = x[:, 0].view(10, 4).mean(1)
    labels = (x[:, 0] > 0).long() if level == "node" else (means > 0).long()
    view = GraphView(
        x=x,
        adjacency=Adjacency.from_edges(sources, targets, 40, symmetric=True),
        y=labels,
        train_mask=torch.ones(labels.numel(), dtype=torch.bool),
        level=level,  # type: ignore[arg-type]
        graph_ptr=torch.arange(0, 41, 4),
    )
    return Problem(view, task, 1 if task == "binary" else 2, torch.Generator())  # type: ignore[arg-type]


def losses(spec: str, posed: Problem, epochs: int) -> list[float]:
    torch.manual_seed(0)
    model = Method.parse(spec).build_backbone(posed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    seen = []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = posed.loss(model(posed.graph), posed.graph)
        loss.backward()
        optimizer.step()
        seen.append(float(loss.detach()))
    assert all(parameter.grad is not None for parameter in model.parameters()), "every parameter takes part"
    return seen


@pytest.mark.parametrize("spec", SPECS)
def test_the_loss_falls_on_nodes(spec: str) -> None:
    seen = losses(spec, problem("node", "multiclass"), epochs=30)
    assert sum(seen[-5:]) < 0.9 * sum(seen[:5])


@pytest.mark.parametrize("spec", [SPECS[3], SPECS[4], SPECS[11], SPECS[-1]])
def test_the_loss_falls_on_graphs(spec: str) -> None:
    seen = losses(spec, problem("graph", "binary"), epochs=30)
    assert sum(seen[-5:]) < 0.9 * sum(seen[:5])


def test_outputs_of_a_graph_are_the_mean_of_its_nodes() -> None:
    empty = Adjacency(torch.zeros(4, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 3)
    labels = torch.zeros(2, dtype=torch.int64)
    view = GraphView(torch.zeros(3, 1), empty, labels, labels == 0, "graph", torch.tensor([0, 1, 3]))
    x = torch.tensor([[1.0, 2.0], [4.0, 0.0], [8.0, 6.0]])
    assert mean_over_graphs(x, view).tolist() == [[1, 2], [6, 3]]


@pytest.mark.parametrize("name", ["gcn", "sage", "gin", "gat", "gcnii", "appnp", "mlp"])
def test_graphs_of_a_union_do_not_see_each_other(name: str) -> None:
    posed = problem("graph", "multiclass")
    model = Method.parse(f"{name}(layers=2,hidden=16)").build_backbone(posed).eval()
    with torch.inference_mode():
        together = model(posed.graph)
        alone = model(posed.graph.graphs(torch.tensor([7])))
    torch.testing.assert_close(together[7:8], alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["gcn", "gat"])
def test_one_seed_gives_one_curve(name: str) -> None:
    posed = problem("node", "multiclass")
    spec = f"{name}(layers=2,hidden=16)"
    assert losses(spec, posed, epochs=5) == losses(spec, posed, epochs=5)

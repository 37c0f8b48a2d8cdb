"""The README's twelve lines do what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from methods import plugin
from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem, Progress

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is registered during the test is forgotten after it."""
    plugin.names("strategy")  # discover first, so that only the example is new
    monkeypatch.setattr(plugin, "_registry", dict(plugin._registry))


def test_the_strategy_trains_on_half_of_the_edges(registered: None) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 12, "twelve lines are what we promise"
    exec(compile(code, "README.md", "exec"), {})
    nodes = 40
    ring = torch.arange(nodes)
    adjacency = Adjacency.from_edges(torch.cat([ring, ring.roll(1)]), torch.cat([ring.roll(1), ring]), nodes, True)
    labels = torch.zeros(nodes, dtype=torch.int64)
    view = GraphView(torch.ones(nodes, 3), adjacency, labels, labels == 0)
    problem = Problem(view, "multiclass", 2, torch.Generator().manual_seed(0))
    method = Method.parse("gcn(layers=2,hidden=4)+half_edges")
    [[term]] = method.build("strategy").steps(problem, Progress(0, 0.0))
    assert 20 < term.view.num_edges < 60 and term.weight == 1.0
    assert problem.loss(method.build_backbone(problem)(term.view), term.view).isfinite()

"""The README's examples do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

README = (Path(__file__).parents[1] / "README.md").read_text()


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def registered(monkeypatch):
    """What is registered during the test is forgotten after it."""
    from methods import plugin

    plugin.names("strategy")  # discover first, so that only the example is new
    monkeypatch.setattr(plugin, "_registry", dict(plugin._registry))


def test_the_strategy_of_the_readme_trains_on_half_of_the_edges(registered):
    from methods.adjacency import Adjacency
    from methods.graph import GraphView
    from methods.method import Method
    from methods.problem import Problem, Progress

    code = _block("python")
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


def test_the_graph_of_the_readme_loads(tmp_path):
    from bench.datasets.registry import load

    (tmp_path / "my-graph.toml").write_text(_block("toml"))
    (tmp_path / "edges.csv").write_text("source,target\na,b\nb,c\nc,d\nd,e\ne,f\n")
    parts = ["train", "train", "valid", "valid", "test", "test"]
    rows = [
        f"{name},{position % 2},{part},{position}.5"
        for position, (name, part) in enumerate(zip("abcdef", parts, strict=True))
    ]
    (tmp_path / "nodes.csv").write_text("\n".join(["id,label,split,height", *rows]))
    data = load(str(tmp_path / "my-graph.toml"), cache_dir=tmp_path / "cache")
    assert (data.nodes, data.edges, data.features, data.classes) == (6, 10, 1, 2)
    assert [list(part) for part in vars(data.splits[0]).values()] == [[0, 1], [2, 3], [4, 5]]

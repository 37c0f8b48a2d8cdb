"""`leangnn reproduce`: what was published beside ours, and running what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import tables
from bench.reproduction import figures as figures_module
from db.published import read_published
from db.read import Reader

PAPER = """
title = "A paper"
[[table]]
id = "t"
place = "Table 1"
source = "a page"
protocol = { epochs = 3 }
splits = "0-2"
column = [{ dataset = "minesweeper-grid(side=12)" }]
row = [
    { label = "GCN", method = "gcn(layers=2,hidden=8)", cells = ["50.0 +- 60.0"] },
    { label = "GIN", dataset = "digits-knn", method = "gin(layers=2,hidden=8)", cells = ["40.0"] },
    { label = "GAT", cells = ["40.0"], not_comparable = "another graph" },
]
"""
FINDINGS = """
[[finding]]
id = "f"
paper = "small"
title = "It forgets a layer"
text = "Text."
[[finding.effect]]
label = "grid"
dataset = "minesweeper-grid(side=12)"
protocol = { epochs = 3 }
splits = "0-2"
corrected = { method = "gcn(layers=2,hidden=8)" }
release = { method = "gcn(layers=2,hidden=8)", quantity = "test_balanced_accuracy" }
"""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A paper of three figures and one finding."""
    files = {"small": PAPER, "findings": FINDINGS}
    for name, content in files.items():
        (tmp_path / f"{name}.toml").write_text(content)
    real = tables.shipped
    ours = {name: tmp_path / f"{name}.toml" for name in files}
    monkeypatch.setattr(tables, "shipped", lambda folder: ours if folder == "reproduction" else real(folder))
    figures_module.figures.cache_clear()
    yield "small"
    figures_module.figures.cache_clear()


def test_what_is_not_run_comes_with_its_command_and_is_stored(cli: Any, small: str, tmp_path: Path) -> None:
    said = cli("reproduce", small)
    assert (said.code, said.error) == (0, "")
    assert "Table 1" in said.out and "leangnn run --dataset 'minesweeper-grid(side=12)'" in said.out
    assert "0 reproduced, 0 not reproduced, 1 not comparable, 2 not run" in said.out
    finding = next(line for line in said.out.splitlines() if "It forgets a layer" in line)
    assert "not run" in finding
    stored = read_published(Reader(tmp_path / "store.duckdb"))
    assert len(stored.figures) == 3 and len(stored.effects) == 1


@pytest.mark.usefixtures("trials_here")
def test_run_runs_what_is_missing_once_and_compares(cli: Any, small: str, tmp_path: Path) -> None:
    words = ("reproduce", small, "--run", "--dataset", "minesweeper-grid", "--splits", "0-1", "--threads", 1, "--json")
    said = cli(*words)
    assert said.code == 0
    cells = {figure["figure_id"].rsplit("/", 1)[1]: figure for figure in said.json["figures"]}
    gcn = cells["GCN"]
    # the published spread of 60 points leaves nothing to doubt
    assert (gcn["verdict"], gcn["n"], gcn["provisional"]) == ("reproduced", 2, True)
    trials = Reader(tmp_path / "store.duckdb").trials(method=gcn["method"])
    assert gcn["ours"] == pytest.approx(sum(trial.test_metric for trial in trials) / 2)
    assert gcn["difference"] == pytest.approx(gcn["ours"] - 0.5)
    assert set(cells) == {"GCN", "GAT"} and cells["GAT"]["ours"] is None
    [finding] = said.json["findings"]
    differences = [trial.further_metrics["test_balanced_accuracy"] - trial.test_metric for trial in trials]
    assert finding["effect"] == pytest.approx(sum(differences) / 2) and finding["n"] == 2
    again = cli(*words)
    assert "0 trials to run, 2 stored already" in again.error


def test_only_what_is_asked_for_is_shown_and_run(cli: Any, small: str) -> None:
    said = cli("reproduce", small, "--run", "--dataset", "cora", "--json")
    assert said.json == {"figures": [], "findings": []}
    assert len(cli("reproduce", small, "--dataset", "digits-knn", "--json").json["figures"]) == 1


def test_an_unknown_paper_gets_the_nearest(sentence: Any) -> None:
    assert "did you mean 'rescaling'" in sentence(2, "reproduce", "rescalin")

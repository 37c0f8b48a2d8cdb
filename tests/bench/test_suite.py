"""Suites: every shipped one loads, plans, and needs no download where it says so."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from bench import suite
from bench.datasets import registry
from bench.plan import parse_numbers, plan
from bench.reproduction import figures, findings
from db.scoring.published import fits


@pytest.mark.parametrize("name", sorted(suite.names()))
def test_every_shipped_suite_plans(name: str) -> None:
    loaded = suite.load(name)
    assert loaded.question.strip()
    trials = plan(loaded)
    assert {trial.method.reference for trial in trials} <= {trial.method for trial in trials}


@pytest.mark.parametrize("name", ["quick", "nightly"])
def test_small_suites_need_no_download(name: str) -> None:
    names = {trial.dataset.partition("(")[0] for trial in plan(suite.load(name))}
    assert len(names) == 2
    assert all(not registry.declared(name).files for name in names)


def test_numbers_may_be_left_out() -> None:
    block = suite.Run(datasets=["cora"], methods=["gcn"])
    assert (block.splits, block.seeds, block.protocol, block.preset) == (None, None, {}, None)
    made = suite.Suite(question="?", run=[block])
    assert (made.splits, made.seeds, made.repeats) == ([0], [0], 1)
    assert parse_numbers("0", "splits") == made.splits


@pytest.mark.parametrize("name", sorted(name for name in suite.names() if "rescaling" in name or "target-gat" in name))
def test_what_is_rescaled_runs_beside_the_same_that_is_not(name: str) -> None:
    trials = plan(suite.load(name))
    without = {
        (trial.dataset, trial.method, trial.protocol, trial.split, trial.seed)
        for trial in trials
        if trial.method.rescaler is None
    }
    rescaled = [trial for trial in trials if trial.method.rescaler is not None]
    assert rescaled
    for trial in rescaled:
        plain = replace(trial.method, rescaler=None)
        assert (trial.dataset, plain, trial.protocol, trial.split, trial.seed) in without


def test_rescaling_in_paper_size_is_the_whole_table() -> None:
    trials = plan(suite.load("rescaling"))
    rules = Counter(str(trial.method.rescaler or "none") for trial in trials)
    # five graphs, three learning rates, ten splits
    assert rules == dict.fromkeys(("none", "dr_w", "dr_rg", "dr_c"), 150)
    assert {trial.protocol.epochs for trial in trials} == {10_000}


def test_the_release_sees_edges_in_one_direction_and_selects_by_balanced_accuracy() -> None:
    trials = plan(suite.load("rescaling-release"))
    assert len(trials) == 300
    assert all(trial.dataset.endswith("(direction=stored)") for trial in trials)
    selected = {trial.dataset.partition("(")[0]: trial.protocol.select_by for trial in trials}
    assert selected["minesweeper"] == "balanced_accuracy" and selected["roman-empire"] == "metric"
    rescalers = {str(trial.method.rescaler or "none") for trial in trials}
    assert rescalers == {"none", "dr_w(profile=release)", "dr_rg(profile=release)"}


def test_layer_order_lets_each_layer_learn_first() -> None:
    trials = plan(suite.load("layer-order"))
    rescalers = [trial.method.rescaler for trial in trials if trial.method.rescaler is not None]
    layers = {spec.parameters.get("layer", 1) for spec in rescalers if spec.name == "layer_focus"}
    assert layers == {1, 2, 3, 4, 5}
    [backbone] = {trial.method.backbone for trial in trials}
    assert backbone.parameters["self_loops"] is False


def test_lowbit_crosses_quantizers_widths_backbones_and_graphs() -> None:
    trials = plan(suite.load("lowbit"))
    quantized = [trial for trial in trials if trial.method.quantizer is not None]
    assert len(trials) == 3 * 4 * (1 + 6 * 3) * 10 and len(quantized) == 3 * 4 * 6 * 3 * 10
    assert {trial.method.quantizer.parameters.get("bits", 8) for trial in quantized} == {8, 4, 2}
    assert {trial.protocol.decay for trial in trials} == {0.7}


@pytest.mark.parametrize("name", ["papers-smoke", "papers-full"])
def test_suites_of_the_papers_are_what_reproduce_looks_for(name: str) -> None:
    wanted = [each.figure for paper in figures.names() for each in figures.figures(paper)]
    wanted = [figure for figure in wanted if figure.settings]
    sides = [side for paper in figures.names() for each in findings.findings(paper) for side in
             (each.finding.corrected, each.finding.release) if side]  # fmt: skip
    known = [(figure.dataset, figure.method, figure.settings) for figure in wanted]
    known += [(side["dataset"], side["method"], side["settings"]) for side in sides]
    loaded = suite.load(name)
    once = [block.model_copy(update={"splits": [0], "seeds": [0]}) for block in loaded.run]
    for trial in plan(loaded.model_copy(update={"run": once})):
        if trial.method == trial.method.reference:
            continue
        settings = trial.protocol.settings()
        assert any(
            (dataset, method) == (trial.dataset, trial.method.name) and fits(settings, asked)
            for dataset, method, asked in known
        ), (trial.dataset, trial.method.name)

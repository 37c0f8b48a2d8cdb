"""Suites: every shipped one loads, plans, and needs no download where it says so."""

from __future__ import annotations

import pytest

from bench import suite
from bench.datasets import registry
from bench.plan import parse_numbers, plan


@pytest.mark.parametrize("name", sorted(suite.names()))
def test_every_shipped_suite_plans(name: str) -> None:
    loaded = suite.load(name)
    assert loaded.question.strip()
    trials = plan(loaded)
    assert {trial.method.reference for trial in trials} <= {trial.method for trial in trials}


def test_quick_needs_no_download() -> None:
    names = {trial.dataset.partition("(")[0] for trial in plan(suite.load("quick"))}
    assert len(names) == 2
    assert all(not registry.declared(name).files for name in names)


def test_numbers_may_be_left_out() -> None:
    block = suite.Run(datasets=["cora"], methods=["gcn"])
    assert (block.splits, block.seeds, block.protocol, block.preset) == (None, None, {}, None)
    made = suite.Suite(question="?", run=[block])
    assert (made.splits, made.seeds, made.repeats) == ([0], [0], 1)
    assert parse_numbers("0", "splits") == made.splits

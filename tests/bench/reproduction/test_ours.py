"""How ours is run: words of a TOML into settings and commands."""

from __future__ import annotations

import shlex

import pytest

from bench.errors import UsageError
from bench.reproduction.ours import Ours, command, narrowed, resolved, runs


def test_the_narrower_table_wins_and_an_empty_word_takes_back() -> None:
    outer = Ours(dataset="cora", preset="planetoid", protocol={"epochs": 5, "clip": 1.0}, seeds="0-2")
    inner = Ours(method="gcn", preset="", protocol={"epochs": 7})
    assert narrowed(outer, inner) == {
        "dataset": "cora", "method": "gcn", "protocol": {"epochs": 7, "clip": 1.0}, "seeds": [0, 1, 2]
    }  # fmt: skip


def test_a_list_of_settings_is_one_block_each_and_all_of_them_will_do() -> None:
    ours = Ours(dataset="minesweeper", method="gatv2", preset="dynamic_rescaling",
                protocol={"learning_rate": [0.01, 0.001], "evaluate_every": 10})  # fmt: skip
    assert [block.protocol["learning_rate"] for block in runs(ours)] == [0.01, 0.001]
    dataset, method, settings = resolved(ours)
    assert dataset == "minesweeper" and method.startswith("gatv2(layers=5,hidden=64")
    assert settings["learning_rate"] == [0.01, 0.001]
    # what the paper's preset says, and nothing of the machine or of how often is looked
    assert settings["epochs"] == 10_000 and settings["clip"] == 3.0
    assert not {"threads", "jobs", "evaluate_every", "dynamics_every"} & set(settings)
    assert len(command(ours).splitlines()) == 2


def test_a_command_says_what_is_run() -> None:
    ours = Ours(dataset="cora(split=random)", method="gcn+qlr(bits=2)", preset="lowbit",
                protocol={"learning_rate": 0.015}, splits="0-9", seeds=[3, 5])  # fmt: skip
    assert shlex.split(command(ours)) == [
        "leangnn", "run", "--dataset", "cora(split=random)", "--method", "gcn+qlr(bits=2)", "--preset", "lowbit",
        "--splits", "0-9", "--seeds", "3,5", "--learning-rate", "0.015",
    ]  # fmt: skip
    in_suite = ours.model_copy(update={"suite": "lowbit"})
    assert shlex.split(command(in_suite))[:3] == ["leangnn", "run", "lowbit"]


def test_a_figure_without_a_method_cannot_be_run() -> None:
    with pytest.raises(UsageError, match="needs a dataset and a method"):
        runs(Ours(dataset="cora"))

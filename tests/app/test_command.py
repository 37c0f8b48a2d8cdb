"""The command that repeats a row."""

from __future__ import annotations

import shlex

from app.command import run_command


def test_splits_seeds_and_settings_come_from_the_trials(row, trial) -> None:
    trials = [trial("gcn+sgc", split) for split in (0, 1, 2, 4)]
    protocols = {row().protocol: trials[0].protocol_settings}
    assert run_command(row(), trials, protocols) == (
        "leangnn run --dataset cora --method gcn+sgc --splits 0-2,4 --seeds 0 --epochs 100 --learning-rate 0.01 "
        "--device cpu"
    )


def test_names_are_quoted_for_the_shell(row) -> None:
    command = run_command(row(dataset="cora(split=full)", method="gcn; rm -rf ~"), [], {})
    assert shlex.split(command)[3:6] == ["cora(split=full)", "--method", "gcn; rm -rf ~"]

"""The command that repeats the trials behind a row."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from app.format import numbers
from db.records import TrialFigures
from db.scoring.board import BoardRow

Settings = Mapping[str, Any]


def run_command(row: BoardRow, trials: Sequence[TrialFigures], protocols: Mapping[str, Settings]) -> str:
    """`leangnn run ...` with the splits, seeds and protocol settings of `trials`, those of `row`.

    A preset is spelled out as its settings, so that the command means the same after the preset has changed.
    """
    if not trials or row.protocol not in protocols:
        return shlex.join(["leangnn", "run", "--dataset", row.dataset, "--method", row.method, "--device", row.device])
    return repeat_command(trials, protocols[row.protocol])


def repeat_command(trials: Sequence[TrialFigures], protocol: Settings) -> str:
    """`leangnn run ...` for trials that differ in split and seed only."""
    first = trials[0]
    words = ["leangnn", "run", "--dataset", first.dataset, "--method", first.method]
    words += ["--splits", numbers([trial.split for trial in trials])]
    words += ["--seeds", numbers([trial.seed for trial in trials])]
    settings = {name: value for name, value in protocol.items() if value is not None}
    if protocol.get("dynamics_every", 0) is None:  # no option stands for "not at all" but 0
        settings["dynamics_every"] = 0
    for name, value in settings.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return shlex.join([*words, "--device", first.device])

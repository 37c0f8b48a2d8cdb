"""The command that repeats the trials behind a row."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from app.format import numbers
from db.records import TrialRecord
from db.scoring.board import BoardRow


def trials_of(row: BoardRow, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The trials that a row was scored from."""
    place = ("dataset", "dataset_version", "method", "protocol", "device", "machine_id")
    return [trial for trial in trials if all(getattr(trial, name) == getattr(row, name) for name in place)]


def run_command(row: BoardRow, trials: Sequence[TrialRecord]) -> str:
    """`leangnn run ...` with the splits, seeds and protocol settings of `trials`, those of `row`.

    A preset is spelled out as its settings, so that the command means the same after the preset has changed.
    """
    words = ["leangnn", "run", "--dataset", row.dataset, "--method", row.method]
    if trials:
        words += ["--splits", numbers([trial.split for trial in trials])]
        words += ["--seeds", numbers([trial.seed for trial in trials])]
        settings = {name: value for name, value in trials[0].protocol_settings.items() if value is not None}
        for name, value in settings.items():
            words += ["--" + name.replace("_", "-"), str(value)]
    return shlex.join([*words, "--device", row.device])

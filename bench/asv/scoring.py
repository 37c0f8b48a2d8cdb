"""Cost of scoring alone: from 240 trials in memory to the figures of the board."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from bench.asv.sample_store import sample_trials
from db.records import TrialRecord
from db.scoring.board import board
from db.scoring.curve import Curve


class Board:
    """Means, intervals, paired ratios and tests of 24 rows, with and without curves to find a target in."""

    def setup(self) -> None:
        found = list(sample_trials())
        self.trials = [trial for trial, _, _ in found]
        self.datasets = list({dataset.name: dataset for _, dataset, _ in found}.values())
        self.methods = list({method.name: method for _, _, method in found}.values())
        self.curves = {trial.trial_id: _curve(trial) for trial in self.trials}

    def time_without_curves(self) -> None:
        board(self.trials, {}, self.methods, self.datasets)

    def time_with_curves(self) -> None:
        board(self.trials, self.curves, self.methods, self.datasets)


def _curve(trial: TrialRecord) -> Curve:
    columns = (np.array([getattr(point, column.name) for point in trial.curve]) for column in fields(Curve))
    return Curve(*columns)

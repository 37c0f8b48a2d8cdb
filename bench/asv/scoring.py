"""Scoring alone: what figures of the board and verdicts of a night cost, and how good the verdicts are."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.asv.sample_store import sample_trials
from bench.regressions.simulation import Series, detection_rates
from db.records import SessionRecord, TrialRecord
from db.scoring.board import board
from db.scoring.curve import Curve
from db.scoring.history import histories
from db.scoring.regression import cost_verdict


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

    def peakmem_with_curves(self) -> None:
        board(self.trials, self.curves, self.methods, self.datasets)


class History:
    """Series of a nightly: 12 methods on two datasets over 30 nights, and the verdict on each."""

    nights = 30

    def setup(self) -> None:
        found = list(sample_trials())
        self.methods = list({method.name: method for _, _, method in found}.values())
        first = datetime(2025, 1, 1, tzinfo=UTC)
        self.sessions = [
            SessionRecord(f"s{night}", "machine", first + timedelta(days=night), "nightly", "", "")
            for night in range(self.nights)
        ]
        self.trials = [
            replace(trial, session_id=session.session_id) for session in self.sessions for trial, _, _ in found
        ]

    def time_histories(self) -> None:
        histories(self.trials, self.sessions, self.methods, "time_ratio")

    def time_verdicts(self) -> None:
        for series in histories(self.trials, self.sessions, self.methods, "time_ratio"):
            cost_verdict([point.value for point in series.points])


class Verdicts:
    """How well the nightly decides, which a change of its code must not spoil; see `bench.regressions.simulation`."""

    changes = 200

    def track_share_of_slow_downs_found(self) -> float:
        return detection_rates(Series(history=60), 0.05, self.changes)[-1]

    track_share_of_slow_downs_found.unit = "share"  # type: ignore[attr-defined]


def _curve(trial: TrialRecord) -> Curve:
    columns = (np.array([getattr(point, column.name) for point in trial.curve]) for column in fields(Curve))
    return Curve(*columns)

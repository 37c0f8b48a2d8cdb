"""The trials behind the board."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.costs import ABSOLUTE, COSTS
from app.counted import by_method, counted, spreads
from db.records import SessionRecord, Status
from db.scoring.history import AGAIN


def test_only_what_the_board_counts(trial) -> None:
    own = trial()
    newer = replace(own, trial_id="newer", started_at=own.started_at + timedelta(hours=1))
    again = replace(newer, trial_id="again", session_id="s2", started_at=own.started_at + timedelta(hours=2))
    sessions = [
        SessionRecord("s1", "laptop", own.started_at, "nightly", "leangnn run", "abc"),
        SessionRecord("s2", "laptop", own.started_at, f"nightly{AGAIN}", "leangnn run", "abc"),
    ]
    assert counted([own, newer, again], sessions) == [newer]


def test_a_mean_has_the_interval_of_its_splits(trial) -> None:
    trials = by_method([trial(split=split, seconds=seconds) for split, seconds in enumerate((1.0, 2.0, 3.0))])
    found = spreads(trials, COSTS["time"])["gcn+full_batch"]
    # t(2) = 4.303 for three splits with standard deviation 1
    assert found == pytest.approx((2.0, 2.0 - 4.3027 / 3**0.5, 2.0 + 4.3027 / 3**0.5), abs=1e-3)


def test_a_failure_and_a_figure_that_was_not_measured_are_no_zero(trial) -> None:
    failed = trial(status=Status.CRASHED, test_metric=None, ledger=None, peak_memory_bytes=5)
    assert all(spreads(by_method([failed]), cost) == {} for cost in ABSOLUTE.values())
    assert spreads(by_method([trial(energy_joules=None)]), COSTS["energy"]) == {}
    assert spreads(by_method([trial()]), COSTS["target"]) == {}

"""Trials as columns."""

from datetime import timedelta

import numpy as np
import pytest

from db.records import Status, Trust
from db.scoring.trial_table import (
    STATUSES,
    WEAKEST_FIRST,
    columns_of,
    declared_targets,
    numbered,
    parsed_seconds,
    trial_table,
)


def test_every_word_has_its_place() -> None:
    assert set(STATUSES) == set(Status)
    assert set(WEAKEST_FIRST) == set(Trust)


def test_columns_of_trials(samples) -> None:
    killed = {"status": Status.TIMED_OUT, "test_metric": None, "ledger": None, "environment": {"wall_seconds": 7.5}}
    trials = [samples.trial("gcn+sgc", split=2, seed=1), samples.trial(split=1, **killed), samples.trial(split=0)]
    table = trial_table(columns_of(trials))
    assert [group.method for group in table.groups] == ["gcn+full_batch", "gcn+sgc"]
    assert table.group.tolist() == [1, 0, 0]
    assert table.cell.tolist() == [2, 1, 0]
    assert table.has_metric.tolist() == [True, False, True]
    np.testing.assert_array_equal(table.scored_seconds, [2.0, np.nan, 2.0])
    assert table.lost_seconds.tolist() == [0.0, 7.5, 0.0]
    assert np.isnan(table.energy_joules).all()


def test_the_newest_of_each_cell(samples) -> None:
    later = {"started_at": samples.noon + timedelta(days=1)}
    trials = [
        samples.trial(trial_id="old", split=0),
        samples.trial(trial_id="new", split=0, **later),
        samples.trial(trial_id="cut", split=0, status=Status.INTERRUPTED, started_at=samples.noon + timedelta(days=2)),
        samples.trial(trial_id="first", split=1),
        samples.trial(trial_id="last of equals", split=1),
        samples.trial(trial_id="repeat", split=1, repeat=1),
    ]
    table = trial_table(columns_of(trials))
    assert table.trial_id[table.newest()].tolist() == ["new", "last of equals", "repeat"]
    assert table.take(table.newest()).split.tolist() == [0, 1, 1]


def test_no_trials() -> None:
    table = trial_table(columns_of([]))
    assert (list(table.groups), table.newest().tolist()) == ([], [])


def test_numbers_ascend_with_the_columns() -> None:
    assert numbered([3, 1, 3, 1], [0, 9, -1, 9]).tolist() == [2, 0, 1, 0]


def test_only_a_number_is_a_declared_target() -> None:
    settings = {"a": {"target": 0.5}, "b": {"target": True}, "c": {}, "d": {"target": 1}}
    assert declared_targets(settings) == {"a": 0.5, "d": 1.0}


@pytest.mark.parametrize(
    ("said", "seconds"), [(2.5, 2.5), ("2.5", 2.5), (None, 0), ("long", 0), (-1, 0), ("inf", 0), ("nan", 0), ([], 0)]
)
def test_seconds_from_a_free_document(said: object, seconds: float) -> None:
    assert parsed_seconds(said) == seconds

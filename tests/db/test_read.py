"""Reading: filters, absence, and rows that stay while a writer holds the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from db.database import LockedError
from db.errors import StoreError
from db.read import Reader
from db.records import DynamicsRecord, Status
from db.store import Store


@pytest.fixture
def filled(path: Path, samples) -> Path:
    trials = [
        samples.trial(split=0),
        samples.trial(split=1),
        samples.trial("gcn+sgc", split=0, seconds=1.0),
        samples.trial("gcn(layers=3)+sgc", split=0, status=Status.TIMED_OUT, test_metric=None, device="cuda"),
    ]
    samples.fill(Store(path), *trials)
    return path


def test_an_absent_database_reads_as_empty_and_says_so(path: Path) -> None:
    reader = Reader(path)
    assert not reader.exists()
    assert (reader.trials(), reader.curves(), reader.datasets(), reader.methods()) == ([], {}, [], [])
    assert (reader.machines(), reader.sessions(), reader.board(), reader.predictions("x")) == ([], [], [], None)
    assert reader.dynamics("x") == {}
    assert not reader.last_good().exists
    assert not path.exists()


def test_an_empty_database_exists(path: Path, samples) -> None:
    samples.fill(Store(path))
    assert Reader(path).exists()
    assert Reader(path).board() == []


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 4),
        ({"split": 0}, 3),
        ({"split": [0, 1]}, 4),
        ({"method": "gcn+sgc"}, 1),
        ({"strategy": "sgc"}, 2),
        ({"backbone": "gcn"}, 4),
        ({"backbone": "gcn(layers=3)"}, 1),
        ({"backbone": "gc"}, 0),
        ({"status": Status.TIMED_OUT}, 1),
        ({"status": ["finished", "timed_out"], "device": "cpu"}, 3),
        ({"split": []}, 0),
    ],
)
def test_trials_by_filter(filled: Path, filters: dict, count: int) -> None:
    assert len(Reader(filled).trials(**filters)) == count


def test_an_unknown_filter_names_the_known_ones(filled: Path) -> None:
    with pytest.raises(StoreError, match=r"filtered by 'colour'; use one of: .*dataset"):
        Reader(filled).trials(colour="red")
    with pytest.raises(StoreError, match="filtered by 'split'"):
        Reader(filled).board(split=1)


def test_curves_of_some_trials(filled: Path, samples) -> None:
    reader = Reader(filled)
    assert len(reader.curves()) == 4
    assert list(reader.curves(["gcn+sgc/0", "absent"])) == ["gcn+sgc/0"]
    assert reader.curves([]) == {}
    curve = reader.curves()["gcn+sgc/0"]
    assert (curve.epoch.tolist(), curve.edge_visits.tolist()) == ([1, 2], [10556, 21112])


def test_dynamics_of_one_trial(filled: Path, samples) -> None:
    series = DynamicsRecord("gradient_norm", (0, 5), [[1.0, None], [None, 2.0]])
    trial = samples.trial(split=3, dynamics=(series,))
    Store(filled).record_trial(trial, samples.dataset(), samples.method())
    reader = Reader(filled)
    assert reader.dynamics("absent") == {}
    assert sorted(reader.dynamics("gcn+sgc/0")) == ["weight_norm", "weight_norm_imbalance"]
    found = reader.dynamics(trial.trial_id)
    assert list(found) == ["gradient_norm"]
    assert (found["gradient_norm"].epochs.tolist(), found["gradient_norm"].epochs.dtype) == ([0, 5], np.int64)
    np.testing.assert_array_equal(found["gradient_norm"].values, [[1.0, np.nan], [np.nan, 2.0]])


def test_a_filter_on_the_board_changes_no_figure(filled: Path) -> None:
    reader = Reader(filled)
    whole = {row.method: row for row in reader.board()}
    (row,) = reader.board(method="gcn+sgc")
    assert row == whole["gcn+sgc"]
    assert row.time_ratio == pytest.approx(0.5)
    assert [row.method for row in reader.board(device="cuda")] == ["gcn(layers=3)+sgc"]
    assert reader.board(dataset="pubmed") == []


def test_last_good_is_read_again_only_when_the_file_changed(filled: Path, samples) -> None:
    reader = Reader(filled)
    first = reader.last_good()
    assert reader.last_good() is first
    Store(filled).record_trial(samples.trial(split=7), samples.dataset(), samples.method())
    assert len(reader.last_good().trials) == 5
    assert first.board(method="gcn+sgc") == reader.board(method="gcn+sgc")


def test_last_good_serves_the_rows_it_has_while_the_file_is_held(
    filled: Path, samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(filled, deadline=0.0)
    before = reader.last_good()
    Store(filled).record_trial(samples.trial(split=7), samples.dataset(), samples.method())

    def held(deadline: float) -> None:
        raise LockedError("held")

    monkeypatch.setattr(reader._source, "reading", held)
    served = reader.last_good()
    assert served.stale
    assert (served.trials, served.read_at) == (before.trials, before.read_at)
    monkeypatch.undo()
    assert not reader.last_good().stale
    assert len(reader.last_good().trials) == 5

"""Reading: filters, absence, and what is counted."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest

from db.errors import StoreError
from db.read import Reader
from db.records import DynamicsRecord, Status, TrialFigures
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
    assert not reader.overview().exists
    assert reader.beside(["gcn+sgc"], "gcn+full_batch") == []
    assert not path.exists()


def test_an_empty_database_exists(path: Path, samples) -> None:
    samples.fill(Store(path))
    assert Reader(path).exists()
    assert Reader(path).board() == []
    assert (Reader(path).overview().trials, Reader(path).overview().newest_trial) == (0, None)


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


def test_figures_are_those_of_the_whole_trials(filled: Path) -> None:
    reader = Reader(filled)
    whole, figures = reader.trials(device="cpu"), reader.trial_figures(device="cpu")
    names = [field.name for field in fields(TrialFigures)]
    assert len(figures) == 3 and any(trial.ledger for trial in figures)
    assert [asdict(trial) for trial in figures] == [{name: asdict(trial)[name] for name in names} for trial in whole]
    assert reader.overview().protocols == {whole[0].protocol: whole[0].protocol_settings}


def test_an_unknown_filter_names_the_known_ones(filled: Path) -> None:
    with pytest.raises(StoreError, match=r"filtered by 'colour'; use one of: .*dataset"):
        Reader(filled).trials(colour="red")
    with pytest.raises(StoreError, match="filtered by 'split'"):
        Reader(filled).board(split=1)


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
    assert reader.board(dataset=["cora", "pubmed"], device="cpu") == [whole["gcn+full_batch"], whole["gcn+sgc"]]


def test_the_overview_counts(filled: Path, samples) -> None:
    overview = Reader(filled).overview()
    assert (overview.exists, overview.stale, overview.trials, overview.failed) == (True, False, 4, 1)
    assert overview.newest_trial == "gcn+full_batch/1"
    assert overview.measured == {"cora": ["gcn(layers=3)+sgc", "gcn+full_batch", "gcn+sgc"]}
    assert [method.name for method in overview.methods] == overview.measured["cora"]
    assert (overview.datasets, overview.machines) == ((samples.dataset(),), (samples.machine(),))
    assert overview.sessions == (samples.session(),)


def test_methods_are_held_against_a_chosen_one(filled: Path, samples) -> None:
    reader = Reader(filled)
    own = {row.method: row for row in reader.board()}
    turned = {row.method: row for row in reader.beside(["gcn+full_batch"], "gcn+sgc")}
    assert set(turned) == {"gcn+full_batch", "gcn+sgc"}
    assert turned["gcn+full_batch"].time_ratio == pytest.approx(1 / own["gcn+sgc"].time_ratio)
    assert (turned["gcn+full_batch"].reference, turned["gcn+sgc"].time_ratio) == ("gcn+sgc", 1.0)


def test_the_signature_changes_with_the_rows(url: str, samples) -> None:
    reader = Reader(url)
    signatures = [reader.signature(), reader.signature()]
    assert signatures[0] == signatures[1]
    samples.fill(Store(url), samples.trial())
    signatures.append(reader.signature())
    Store(url).record_trial(samples.trial(split=1), samples.dataset(), samples.method())
    signatures.append(reader.signature())
    Store(url).finish_session("s1", samples.noon, None)
    signatures += [reader.signature(), reader.signature()]
    assert len(set(signatures[1:5])) == 4 and signatures[4] == signatures[5]


def test_the_signature_changes_when_a_failed_trial_is_replaced(server_url: str, samples) -> None:
    store, reader = Store(server_url), Reader(server_url)
    failed = {"status": Status.CRASHED, "test_metric": None, "ledger": None}
    samples.fill(store, samples.trial(trial_id="x", **failed), samples.trial(trial_id="z", split=1))
    before = reader.signature()
    # by a machine whose clock is behind, so that the identifier, which begins with the time, is not the newest
    store.record_trial(samples.trial(trial_id="y"), samples.dataset(), samples.method())
    assert reader.signature() != before

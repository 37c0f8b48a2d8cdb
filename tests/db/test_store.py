"""Writing: real DuckDB files, real PostgreSQL, and what a user does wrong."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from db.errors import StoreError
from db.read import Reader
from db.records import CurvePoint, DynamicsRecord, Ledger, Status
from db.store import Store

FAILED = {
    "status": Status.CRASHED, "test_metric": None, "ledger": None, "predictions": None, "curve": (), "dynamics": (),
    "further_metrics": None,
}  # fmt: skip


def test_what_is_stored_is_read_back_whole(url: str, samples) -> None:
    trial = samples.trial()
    samples.fill(Store(url), trial)
    reader = Reader(url)
    assert reader.trials() == [replace(trial, curve=(), dynamics=(), predictions=None)]
    assert reader.predictions(trial.trial_id) == trial.predictions
    assert reader.curves()[trial.trial_id].validation_metric.tolist() == [0.5, 0.8]
    assert {name: series.values.tolist() for name, series in reader.dynamics(trial.trial_id).items()} == {
        "weight_norm": [[1.5, 2.5], [1.0, 3.0]],
        "weight_norm_imbalance": [[[-0.5, 0.0, 0.5]], [[-0.25, 0.0, 0.25]]],
    }
    assert reader.dynamics(trial.trial_id)["weight_norm"].epochs.tolist() == [0, 10]
    assert reader.datasets() == [samples.dataset()]
    assert reader.methods() == [samples.method()]
    assert reader.machines() == [samples.machine()]
    assert reader.sessions() == [samples.session()]


def test_a_finished_trial_is_never_replaced(url: str, samples) -> None:
    store = Store(url)
    samples.fill(store, samples.trial(test_metric=0.8))
    assert not store.record_trial(samples.trial(trial_id="new", test_metric=0.9), samples.dataset(), samples.method())
    assert [(trial.trial_id, trial.test_metric) for trial in Reader(url).trials()] == [("gcn+full_batch/0", 0.8)]


def test_a_failed_trial_is_replaced_with_one_more_attempt(url: str, samples) -> None:
    store = Store(url)
    sample = samples.trial()
    old = {"curve": sample.curve[:1], "dynamics": sample.dynamics[:1], "predictions": b"old"}
    crashed = samples.trial(**FAILED | old)
    samples.fill(store, crashed)
    assert store.record_trial(samples.trial(trial_id="second", **FAILED), samples.dataset(), samples.method())
    assert store.record_trial(samples.trial(trial_id="third"), samples.dataset(), samples.method())
    reader = Reader(url)
    assert [(trial.trial_id, trial.attempt, trial.status) for trial in reader.trials()] == [
        ("third", 3, Status.FINISHED)
    ]
    assert list(reader.curves()) == ["third"]
    assert (reader.predictions(crashed.trial_id), reader.dynamics(crashed.trial_id)) == (None, {})
    assert list(reader.dynamics("third")) == ["weight_norm", "weight_norm_imbalance"]


def test_storing_one_trial_twice_is_storing_it_once(url: str, samples) -> None:
    store = Store(url)
    samples.fill(store, samples.trial(**FAILED), samples.trial(**FAILED))
    assert [trial.attempt for trial in Reader(url).trials()] == [1]


def test_statuses_by_fingerprint(url: str, samples) -> None:
    store = Store(url)
    assert store.statuses(["a"]) == {}
    samples.fill(store, samples.trial(fingerprint="a"), samples.trial(split=1, fingerprint="b", **FAILED))
    assert store.statuses(["a", "b", "c"]) == {"a": Status.FINISHED, "b": Status.CRASHED}
    assert store.statuses([str(number) for number in range(1200)] + ["b"]) == {"b": Status.CRASHED}


def test_a_session_is_finished_while_trials_refer_to_it(url: str, samples) -> None:
    store = Store(url)
    samples.fill(store, samples.trial())
    end = samples.noon + timedelta(hours=1)
    store.finish_session("s1", end, {"gemm": 0.02})
    assert Reader(url).sessions() == [samples.session(finished_at=end, calibration_after={"gemm": 0.02})]
    with pytest.raises(StoreError, match="no session 'nowhere'"):
        store.finish_session("nowhere", end, None)


def test_dataset_and_method_take_the_newest_words(url: str, samples) -> None:
    store = Store(url)
    samples.fill(store, samples.trial())
    store.record_trial(samples.trial(split=1), samples.dataset(description="new"), samples.method(track="low_bit"))
    assert Reader(url).datasets() == [samples.dataset(description="new")]
    assert Reader(url).methods() == [samples.method(track="low_bit")]


def test_a_number_that_is_not_finite_becomes_unknown(url: str, samples) -> None:
    point = CurvePoint(1, 1, 1.0, math.nan, math.inf, 1, 1)
    series = DynamicsRecord("weight_norm", (0,), ((math.nan, math.inf, 2.0),))
    broken = {"energy": {"watts": math.nan}, "validation_metric": math.nan, "further_metrics": {"other": math.nan}}
    trial = samples.trial(curve=(point,), dynamics=(series,), **broken)
    samples.fill(Store(url), trial)
    stored = Reader(url).trials()[0]
    assert (stored.energy, stored.validation_metric) == ({"watts": None}, None)
    assert stored.further_metrics == {"other": None}
    np.testing.assert_array_equal(
        Reader(url).dynamics(trial.trial_id)["weight_norm"].values, [[math.nan, math.nan, 2.0]]
    )
    assert math.isnan(Reader(url).curves()[trial.trial_id].train_loss[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"ledger": Ledger(0, 0, 0, -1.0, 0, 0, 0, 0)},
        {"peak_memory_bytes": -5},
        {"session_id": "unknown"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_broken_rule_stores_nothing(url: str, samples, changes: dict) -> None:
    store = Store(url)
    samples.fill(store)
    with pytest.raises(StoreError, match="refused"):
        store.record_trial(samples.trial(**changes), samples.dataset(), samples.method())
    assert (Reader(url).trials(), Reader(url).curves(), Reader(url).datasets()) == ([], {}, [])
    assert Reader(url).dynamics(samples.trial().trial_id) == {}


def test_a_moment_without_a_zone_is_refused(path: Path, samples) -> None:
    with pytest.raises(StoreError, match="time zone"):
        samples.fill(Store(path), samples.trial(started_at=datetime(2026, 1, 1)))


def _sentence(work: Callable[[], object]) -> str:
    with pytest.raises(StoreError) as caught:
        work()
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


def test_a_file_that_is_no_database(path: Path, samples) -> None:
    path.write_bytes(b"my thesis, only copy" * 1000)
    assert "not a readable DuckDB database" in _sentence(lambda: samples.fill(Store(path)))
    assert "not a readable DuckDB database" in _sentence(lambda: Reader(path).trials())
    assert path.read_bytes() == b"my thesis, only copy" * 1000


@pytest.mark.parametrize("damage", ["truncated", "overwritten"])
def test_a_damaged_database(path: Path, samples, damage: str) -> None:
    samples.fill(Store(path), samples.trial())
    content = path.read_bytes()
    path.write_bytes(content[:5000] if damage == "truncated" else content[:4096] + b"\x07" * 8192 + content[12288:])
    assert "not a readable DuckDB database" in _sentence(lambda: Reader(path).trials())
    assert "not a readable DuckDB database" in _sentence(lambda: samples.fill(Store(path)))


def test_a_folder_in_place_of_the_file(tmp_path: Path, samples) -> None:
    assert "is a folder" in _sentence(lambda: samples.fill(Store(tmp_path)))


def test_a_folder_that_cannot_be(tmp_path: Path, samples) -> None:
    (tmp_path / "file").write_text("")
    assert "choose another file" in _sentence(lambda: samples.fill(Store(tmp_path / "file" / "results.duckdb")))


def test_a_read_only_folder(path: Path, samples, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object) -> None:
        raise PermissionError(13, "Permission denied")

    # root may write everywhere, so that the refusal of the system is played
    monkeypatch.setattr("os.link", refuse)
    assert "Permission denied" in _sentence(lambda: samples.fill(Store(path)))
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is empty"),
        ("duckdb://", "name a file"),
        ("duckdb:///:memory:", "name a file"),
        ("nothing://x/y", "no driver for 'nothing'"),
        ("post gres://x", "not an SQLAlchemy URL"),
    ],
)
def test_a_name_that_is_no_database(url: str, said: str) -> None:
    assert said in _sentence(lambda: Store(url))


def test_a_server_that_is_not_there_and_no_password_in_the_sentence(samples) -> None:
    store = Store("postgresql://me:secret@127.0.0.1:1/leangnn")
    message = _sentence(lambda: samples.fill(store))
    assert "no database server answers" in message
    assert "secret" not in message


_FULL_DISK = """
import resource, runpy, signal, sys
samples = runpy.run_path(sys.argv[1])["Samples"]
from db.database import parse_url
from db.errors import StoreError
from db.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
import os
try:
    for split in range(1000):
        samples.fill(Store(sys.argv[2]), samples.trial(split=split, predictions=os.urandom(300_000)))
        print(split, flush=True)
except StoreError as error:
    print(error, file=sys.stderr)
"""


def test_a_full_disk_loses_nothing(path: Path, samples, samples_file: str) -> None:
    samples.fill(Store(path))
    # a file that may not grow is what a full disk looks like to a process
    limit = path.stat().st_size + 2_000_000
    run = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, samples_file, str(path), str(limit)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    stored = run.stdout.split()
    assert 1 <= len(stored) < 20
    assert "no space is left" in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert [trial.split for trial in Reader(path).trials()] == [int(split) for split in stored]


def test_a_session_recorded_again_takes_the_new_values(url: str, samples) -> None:
    store = Store(url)
    samples.fill(store, samples.trial())
    store.record_session(samples.machine(gpu_driver="570"), samples.session(environment={"threads": 4}))
    assert Reader(url).machines() == [samples.machine(gpu_driver="570")]
    assert Reader(url).sessions() == [samples.session(environment={"threads": 4})]

"""A small board for the dashboard: rows made by hand, and a real database filled through `db.store`."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from app import source
from db.database import Database
from db.records import (
    CurvePoint,
    DatasetRecord,
    Ledger,
    MachineRecord,
    MethodRecord,
    SessionRecord,
    Status,
    TrialRecord,
)
from db.scoring.board import BoardRow
from db.store import Store

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)

_FIELDS: dict[str, Any] = {
    "dataset": "cora",
    "dataset_version": "1",
    "method": "gcn+sgc",
    "backbone": "gcn",
    "strategy": "sgc",
    "rescaler": None,
    "quantizer": None,
    "track": "training",
    "reference": "gcn+full_batch",
    "preset": None,
    "protocol": "p1",
    "device": "cpu",
    "machine_id": "laptop",
    "metric": "accuracy",
    "mean": 0.8,
    "ci_low": 0.79,
    "ci_high": 0.81,
    "n": 10,
    "time_ratio": 0.5,
    "time_ratio_low": 0.4,
    "time_ratio_high": 0.625,
    "interleaved": True,
    "memory_ratio": 1.0,
    "memory_ratio_low": 0.9,
    "memory_ratio_high": 1.1,
    "target": 0.79,
    "target_ratio": 2.0,
    "target_ratio_low": 1.6,
    "target_ratio_high": 2.5,
    **dict.fromkeys(f"{stem}_ratio{end}" for stem in ("energy", "inference", "size") for end in ("", "_low", "_high")),
    "success_rate": 0.9,
    "scored_seconds": 3.0,
    "peak_memory_bytes": 2_000_000,
    "energy_joules": None,
    "inference_seconds": None,
    "model_bytes": None,
    "difference": 0.01,
    "difference_low": -0.01,
    "difference_high": 0.03,
    "p_value": 0.4,
    "equivalent": False,
    "pareto": True,
    "pareto_probability": 0.9,
    "provisional": False,
    "status": "ranked",
    "failures": {},
    "trust": "measured_here",
    "measured_at": NOON,
}


@pytest.fixture
def row() -> Callable[..., BoardRow]:
    """Make a row of the board; keywords replace fields."""
    return lambda **changes: BoardRow(**(_FIELDS | changes))


@pytest.fixture
def trial() -> Callable[..., TrialRecord]:
    """Make a trial of 2 scored seconds unless said otherwise; keywords replace fields."""
    return _trial


def _trial(method: str = "gcn+full_batch", split: int = 0, seconds: float = 2.0, **changes: Any) -> TrialRecord:
    dataset = changes.get("dataset", "cora")
    fields: dict[str, Any] = {
        "trial_id": f"{dataset}/{method}/{split}",
        "fingerprint": f"{dataset}/{method}/{split}",
        "session_id": "s1",
        "machine_id": "laptop",
        "dataset": dataset,
        "dataset_version": "1",
        "method": method,
        "protocol": "p1",
        "protocol_settings": {"epochs": 100, "seconds": None, "learning_rate": 0.01},
        "preset": None,
        "split": split,
        "seed": 0,
        "repeat": 0,
        "device": "cpu",
        "status": Status.FINISHED,
        "started_at": NOON,
        "ledger": Ledger(0.5, 0.25 * seconds, 0.0, 0.75 * seconds, 0.1, 0.0, 0.4, seconds + 1.0),
        "test_metric": 0.8,
        "peak_memory_bytes": 1_000_000,
        "curve": (CurvePoint(1, 1, 1.0, 1.9, 0.5, 2708, 10556), CurvePoint(2, 2, 2.0, 1.1, 0.8, 5416, 21112)),
    }
    return TrialRecord(**(fields | changes))


@pytest.fixture
def fill() -> Callable[..., Path]:
    """Store one session and these trials, with their datasets and methods, in a database."""
    return _fill


def _fill(path: Path, *trials: TrialRecord) -> Path:
    store = Store(path)
    session = SessionRecord("s1", "laptop", NOON, "quick", "leangnn run quick", "abc123")
    store.record_session(MachineRecord("laptop", "Acme 1", 2, 2**34), session)
    for trial in trials:
        backbone, strategy = trial.method.split("+")[:2]
        method = MethodRecord(trial.method, backbone, strategy, None, None, "training", f"{backbone}+full_batch")
        dataset = DatasetRecord(trial.dataset, "1", "ab" * 32, 2708, 10556, 1433, 7, 1, "node", "accuracy", 0.81, None)
        store.record_trial(trial, dataset, method)
    return path


@pytest.fixture
def open_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Run a page on a store, with the words of a URL; nothing is left in Streamlit's caches."""

    def run(page: AppTest, store: Path | str, **query: list[str] | str) -> AppTest:
        monkeypatch.setenv(source.VARIABLE, str(store))
        for name, words in query.items():
            page.query_params[name] = words
        page.run()
        assert not page.exception
        return page

    st.cache_resource.clear()
    yield run
    st.cache_resource.clear()


@pytest.fixture
def filled(example: Path, tmp_path: Path) -> Path:
    """A database of the test's own, see `example`."""
    return Path(shutil.copy(example, tmp_path / "results.duckdb"))


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten splits of a reference and a candidate twice as fast on cora, two on pubmed, with one time-out.

    The mean metric of `gcn+sgc` on cora is 0.80 + 0.001 * 4.5 = 0.8045.
    """
    trials = [_trial(split=split, test_metric=0.79 + 0.001 * split) for split in range(10)]
    trials += [_trial("gcn+sgc", split, 1.0, test_metric=0.80 + 0.001 * split) for split in range(10)]
    trials += [_trial("sage+full_batch", split, 3.0, dataset="pubmed") for split in range(2)]
    failed: dict[str, Any] = {"status": Status.TIMED_OUT, "test_metric": None, "ledger": None, "reason": "too long"}
    trials.append(_trial("sage+full_batch", 2, dataset="pubmed", **failed))
    return _fill(tmp_path_factory.mktemp("store") / "results.duckdb", *trials)


@pytest.fixture
def held() -> Callable[[Path], AbstractContextManager[None]]:
    """While the context lasts, a writer that has changed a database holds its file."""
    return _held


@contextmanager
def _held(path: Path) -> Iterator[None]:
    holding, done = threading.Event(), threading.Event()

    def write() -> None:
        with Database(path).writing() as connection:
            connection.execute(text("UPDATE machines SET cpu_model = 'Acme 2'"))
            connection.commit()
            path.touch()
            holding.set()
            done.wait(30)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert holding.wait(10)
        yield
    finally:
        done.set()
        writer.join()

"""A small board for the dashboard: rows made by hand, and a real database filled through `db.store`."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from sqlalchemy import Connection, text
from streamlit.testing.v1 import AppTest

from app import source
from db.convert import plain_row
from db.database import Database
from db.published import record_published
from db.records import (
    CurvePoint,
    DatasetRecord,
    DynamicsRecord,
    Finding,
    Ledger,
    MachineRecord,
    MethodRecord,
    PublishedFigure,
    SessionRecord,
    Status,
    TrialRecord,
    Trust,
)
from db.schema import Machine, Session
from db.scoring.board import BoardRow
from db.store import Store, record_trial, upsert

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
    "paired": 10,
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


@pytest.fixture(scope="session", autouse=True)
def no_components() -> Iterator[None]:
    """The dashboard has none, and each test of a page would look for them in every installed package, half a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)
        yield


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
        dataset = DatasetRecord(trial.dataset, "1", "ab" * 32, 2708, 10556, 1433, 7, 1, "node", "accuracy", 0.81, None)
        store.record_trial(trial, dataset, _method(trial.method))
    return path


def _method(name: str) -> MethodRecord:
    backbone, strategy, *further = name.split("+")
    quantizer = next((part for part in further if part.startswith("qlr")), None)
    rescaler = next((part for part in further if part != quantizer), None)
    track = "training" if quantizer is None else "low_bit"
    return MethodRecord(name, backbone, strategy, rescaler, quantizer, track, f"{backbone}+full_batch")


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


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two values or more of all that the board is filtered by, and something for every page to draw.

    A method and a dataset have names that would run a script, were they taken for markup.
    """
    path = tmp_path_factory.mktemp("everything") / "results.duckdb"
    Store(path).write(_store_everything)
    record_published(Store(path), "lowbit", _FIGURES, _FINDINGS)
    return path


_SCRIPT, _IMAGE = "gcn+<script>hacked=1</script>", '<img src=x onerror="hacked=1">'
_SPRING = datetime(2026, 3, 1, tzinfo=UTC)
_NIGHTS = 10

_MACHINES = [
    MachineRecord("laptop", "Acme 1", 2, 2**34),
    MachineRecord("server", "Acme 9", 16, 2**37, "Acme GPU", 2**36),
]
_SESSIONS = [
    SessionRecord("s1", "laptop", NOON, "quick", "leangnn run quick", "abc123", {"torch": "2.13.0"}),
    SessionRecord("s2", "server", _SPRING, "papers", "leangnn run papers", "def456"),
    *(
        SessionRecord(f"night{night}", "laptop", NOON + timedelta(days=night), "nightly", "leangnn run", f"c{night}")
        for night in range(_NIGHTS)
    ),
]
_DATASETS = {
    "cora": DatasetRecord("cora", "1", "ab" * 32, 2708, 10556, 1433, 7, 1, "node", "accuracy", 0.81, 0.77),
    "arxiv": DatasetRecord("arxiv", "1", "cd" * 32, 169_343, 2_315_598, 128, 40, 1, "node", "accuracy", 0.35, 0.3),
    _IMAGE: DatasetRecord(_IMAGE, "1", "ef" * 32, 300, 900, 10, 3, 1, "node", "roc_auc", None, None, _IMAGE),
}
_FIGURES = [
    PublishedFigure(
        f"lowbit/t/cora/{row}", "lowbit", "Table 1", "test_metric", value, None, "cora", method, None,
        {"epochs": 100}, "leangnn run --dataset cora --method gcn+sgc", "page 3",
    )
    for row, value, method in (("near", 0.804, "gcn+sgc"), ("far", 0.9, "gcn+sgc"), (_SCRIPT, 0.5, "gcn+sign"))
]  # fmt: skip
_FINDINGS = [
    Finding(
        "lowbit/f/cora", "lowbit", _IMAGE, "It forgets.", "test_metric",
        {"dataset": "cora", "method": "gcn+full_batch", "settings": {"epochs": 100}},
        {"dataset": "cora", "method": "gcn+sgc", "settings": {"epochs": 100}}, "leangnn run",
    ),
    Finding("lowbit/g", "lowbit", "No kernel", "None.", unmeasured="nothing to run"),
]  # fmt: skip


def _store_everything(connection: Connection) -> None:
    for machine in _MACHINES:
        upsert(connection, Machine, plain_row(machine))
    for session in _SESSIONS:
        upsert(connection, Session, plain_row(session))
    for trial in [*_trials_on_cora(), *_trials_elsewhere(), *_trials_of_nights()]:
        record_trial(connection, trial, _DATASETS[trial.dataset], _method(trial.method))


def _trials_on_cora() -> list[TrialRecord]:
    segment = {"epoch": 0, "steps": 40, "node_visits": 27_080, "edge_visits": 105_560}
    levels = [{"scales": [level], "scored_seconds": 0.5 * (2 - level), **segment} for level in (2, 1, 0)]
    samples: dict[str, list[Any]] = {
        "relative_gradient_norm": [[1.0, 10.0], [0.5, 3.0], [0.2, 0.4]],
        "weight_norm_imbalance": [[[-0.5, -0.1, 0.0, 0.1, 0.5]]] * 3,
        "dirichlet_energy": [[4.0, 2.0, 1.0], [6.0, 1.0, 0.1], [8.0, 0.5, 0.01]],
    }
    dynamics = tuple(DynamicsRecord(name, (0, 50, 100), values) for name, values in samples.items())
    memory = {"rss_above_start": {"bytes": 1_000_000, "definition": "above the level before"}}
    kinds: list[tuple[str, int, float, float, dict[str, Any]]] = [
        ("gcn+full_batch", 10, 2.0, 0.79, {"dynamics": dynamics, "memory": memory}),
        ("gcn+sgc", 10, 1.0, 0.80, {"peak_memory_bytes": 700_000}),
        ("gcn+coarse_to_fine", 3, 1.5, 0.795, {"dynamics": dynamics, "schedule": levels, "memory": memory}),
        ("gcn+full_batch+dr_rg", 2, 2.2, 0.8, {}),
        ("gcn+full_batch+qlr(bits=2)", 2, 2.5, 0.77, {"model_bytes": 6_000}),
        ("sage+full_batch", 2, 3.0, 0.78, {"trust": Trust.SELF_REPORTED}),
        (_SCRIPT, 2, 3.0, 0.7, {"dynamics": dynamics}),
    ]
    return [
        _measured(method, split, seconds, metric, **further)
        for method, splits, seconds, metric, further in kinds
        for split in range(splits)
    ]


def _trials_elsewhere() -> list[TrialRecord]:
    server = {"machine_id": "server", "device": "cuda", "session_id": "s2", "started_at": _SPRING}
    methods = (("gcn+full_batch", 2.0, 0.7), ("gcn+sgc", 1.0, 0.69))
    return [
        _measured(method, split, seconds, metric, dataset=dataset, **further)
        for dataset, splits, further in (("arxiv", 10, {**server, "energy_joules": 90.0}), (_IMAGE, 2, {}))
        for method, seconds, metric in methods
        for split in range(splits)
    ]


def _trials_of_nights() -> list[TrialRecord]:
    """A method that needs half the time of its reference, and as much from the seventh night on."""
    found = []
    for night in range(_NIGHTS):
        own = (1.0 if night < 6 else 2.0) + 0.01 * (night % 3)
        place = {"session_id": f"night{night}", "started_at": NOON + timedelta(days=night), "protocol": "night"}
        for method, seconds in (("gcn+full_batch", 2.0), ("gcn+sgc", own)):
            names = dict.fromkeys(("trial_id", "fingerprint"), f"night/{method}/{night}")
            found.append(_measured(method, 0, seconds, 0.8, **place, **names))
    return found


def _measured(method: str, split: int, seconds: float, metric: float, **further: Any) -> TrialRecord:
    """A trial of 20 evaluations, with all that the board has a column for."""
    curve = tuple(
        CurvePoint(5 * at, 5 * at, seconds * at / 20, 1.9 * 0.8**at, metric - 0.4 * 0.8**at, 2708 * at, 10556 * at)
        for at in range(1, 21)
    )
    figures: dict[str, Any] = {
        "test_metric": metric + 0.001 * split, "validation_metric": metric, "curve": curve, "epochs": 100,
        "selected_epoch": 100, "model_bytes": 92_000, "parameters": 23_063, "node_visits": 270_800,
        "edge_visits": 1_055_600, "inference_seconds": 0.01 * seconds, "predictions_sha256": "0a" * 32,
    }  # fmt: skip
    return _trial(method, split, seconds, **(figures | further))

"""The board of a store is the board of its records."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from db.read import Reader
from db.records import CurvePoint, Status, Trust
from db.scoring.board import board
from db.store import Store


@pytest.fixture
def filled(url: str, samples) -> str:
    """Two datasets, two backbones, failures of each kind, an old version, a declared target and a repeat."""
    random = np.random.default_rng(1)
    trials = []

    def add(method: str, split: int, **changes: Any) -> None:
        metrics = np.sort(random.uniform(0.6, 0.85, size=4)).tolist()
        curve = tuple(CurvePoint(i, i, float(i + 1), 1.0, metric, i, i) for i, metric in enumerate(metrics))
        fields = {"trial_id": f"t{len(trials)}", "fingerprint": f"t{len(trials)}", "curve": curve}
        fields |= {"test_metric": float(random.normal(0.8, 0.02)), "peak_memory_bytes": int(random.integers(5, 9))}
        trials.append(samples.trial(method, split, random.uniform(1, 9), **(fields | changes)))

    for dataset in ("cora", "pubmed"):
        for method in (samples.reference, "gcn+sgc", "gcn+sign", "sage+sgc"):
            for split in range(3):
                add(method, split, dataset=dataset)
    add("gcn+sgc", 0, repeat=1)
    # newer references, of which one crashed, and a candidate between two of them
    for split, changes in ((0, {}), (1, {"status": Status.CRASHED, "test_metric": None, "ledger": None}), (2, {})):
        add(samples.reference, split, session_id="later", started_at=samples.noon + timedelta(days=9), **changes)
    add("sage+sgc", 2, session_id="between", started_at=samples.noon + timedelta(days=1))
    add("gcn+sign", 2, session_id="between", started_at=samples.noon + timedelta(days=1))
    add("gcn+sgc", 1, started_at=samples.noon + timedelta(days=3), energy_joules=3.0, preset="strong")
    add("gcn+sign", 5, protocol="p2", protocol_settings={"target": 0.7})
    add(samples.reference, 5, protocol="p2", protocol_settings={"target": 0.7}, trust=Trust.CHECKED)
    gone = {"test_metric": None, "ledger": None, "peak_memory_bytes": None}
    add("gcn+sgc", 2, repeat=1, status=Status.TIMED_OUT, environment={"wall_seconds": 77.5, "threads": 2}, **gone)
    add(samples.reference, 2, repeat=1, status=Status.CRASHED, environment={"wall_seconds": "long"}, **gone)
    add("gcn+sign", 0, status=Status.INTERRUPTED, started_at=samples.noon + timedelta(days=5), **gone)
    store = Store(url)
    for session in ("later", "between"):
        store.record_session(samples.machine(), samples.session(session_id=session))
    samples.fill(store, *trials)
    return url


def test_the_store_scores_what_its_records_score(filled: str) -> None:
    reader = Reader(filled)
    expected = board(reader.trials(), reader.curves(), reader.methods(), reader.datasets())
    assert len(expected) == 10
    assert reader.board() == expected
    row = next(row for row in expected if (row.dataset, row.method) == ("cora", "gcn+sgc"))
    assert row.target_ratio is not None and row.failures == {"timed_out": 1}
    assert {row.target for row in expected if row.protocol == "p2"} == {0.7}


def test_what_was_measured_again_on_suspicion_is_no_row(filled: str, samples) -> None:
    store, before = Store(filled), Reader(filled).board()
    store.record_session(samples.machine(), samples.session(session_id="s2", suite="nightly:again"))
    store.record_session(samples.machine(), samples.session(session_id="s3", suite=None))
    for session in ("s2", "s3"):
        trial = samples.trial("gcn+sign", 8, trial_id=session, fingerprint=session, session_id=session)
        store.record_trial(trial, samples.dataset(), samples.method("gcn+sign"))
    after = Reader(filled).board()
    counts = [
        next(row.n for row in rows if row.method == "gcn+sign" and row.protocol == "p1") for rows in (before, after)
    ]
    assert counts == [3, 4]

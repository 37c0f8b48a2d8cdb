"""What is stored of each dataset, counted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from db.coverage import Coverage, coverage
from db.read import Reader
from db.records import Status
from db.store import Store


def test_counts_of_trials_methods_and_splits(samples: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "results.duckdb")
    store.record_session(samples.machine(), samples.session())
    later = samples.noon + timedelta(hours=1)
    for index, (split, status) in enumerate([(0, Status.FINISHED), (1, Status.FINISHED), (1, Status.CRASHED)]):
        changes: dict[str, Any] = {} if status is Status.FINISHED else {"test_metric": None, "reason": "broke"}
        started = later if index == 1 else samples.noon
        names = {"trial_id": f"t{index}", "fingerprint": f"f{index}"}
        trial = samples.trial(split=split, status=status, started_at=started, **names, **changes)
        store.record_trial(trial, samples.dataset(), samples.method())
    found = Reader(tmp_path / "results.duckdb").read(coverage, {})
    dataset = samples.dataset()
    assert found == {(dataset.name, dataset.version): Coverage(trials=3, methods=1, splits=2, newest=later)}


def test_a_store_without_trials_has_no_coverage(tmp_path: Path) -> None:
    assert Reader(tmp_path / "none.duckdb").read(coverage, {}) == {}

"""Stored trials made up for comparisons whose variants are whole trials."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from db.records import Status, TrialRecord


@pytest.fixture
def make_trial() -> Callable[..., TrialRecord]:
    """Makes a trial from its method, place and test metric; without a test metric it has crashed."""

    def make(
        method: str, test: float | None, *, dataset: str = "cora", split: int = 0, seed: int = 0, rate: float = 0.01
    ) -> TrialRecord:
        name = f"{method}/{dataset}/{rate}/{split}/{seed}"
        fields: dict[str, Any] = {
            "trial_id": name, "fingerprint": name, "session_id": "s", "machine_id": "m", "dataset": dataset,
            "dataset_version": "1", "method": method, "protocol": f"{rate}", "preset": None, "split": split,
            "protocol_settings": {"learning_rate": rate, "epochs": 30}, "seed": seed, "repeat": 0, "device": "cpu",
            "status": Status.CRASHED if test is None else Status.FINISHED, "started_at": datetime.now(UTC),
            "test_metric": test, "selected_epoch": 20, "epochs": 5 if test is None else 30,
            "further_metrics": None if test is None else {"test_balanced_accuracy": test - 0.2},
        }  # fmt: skip
        return TrialRecord(**fields)

    return make

"""The board by the other road: the same figures on trials with everything that can happen."""

from __future__ import annotations

import math
import random
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.verification.figures import all_rows, key_of, on_front
from bench.verification.trials import same
from db.records import DatasetRecord, Ledger, MethodRecord, Status, TrialRecord, Trust
from db.scoring.board import BoardRow, board
from db.scoring.curve import Curve

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
REFERENCE, CANDIDATE, OTHER, ALONE = "gcn+full_batch", "gcn+sgc", "gcn+sign", "sage+sgc"
METHODS = [
    MethodRecord(name, name.split("+")[0], name.split("+")[1], None, None, "training",
                 f"{name.split('+')[0]}+full_batch")
    for name in (REFERENCE, CANDIDATE, OTHER, ALONE)
]  # fmt: skip
DATASETS = [DatasetRecord(name, "1", "ab", 9, 9, 3, 2, 1, "node", "accuracy", 0.5, None) for name in ("cora", "pubmed")]


def trial(method: str, split: int, rng: random.Random, **changes: Any) -> TrialRecord:
    known: dict[str, Any] = {
        "trial_id": f"{method}/{split}/{rng.random()}", "fingerprint": "f", "session_id": "s1", "machine_id": "laptop",
        "dataset": "cora", "dataset_version": "1", "method": method, "protocol": "p1", "protocol_settings": {},
        "preset": None, "split": split, "seed": 0, "repeat": 0, "device": "cpu", "status": Status.FINISHED,
        "started_at": NOON + timedelta(minutes=split),
        "ledger": Ledger(1.0, rng.random(), 0.0, 1 + rng.random(), 0.5, 0.0, 0.1, 4.0),
        "validation_metric": 0.8, "test_metric": round(rng.uniform(0.7, 0.9), 3),
        "peak_memory_bytes": rng.randrange(1000, 2000), "energy_joules": rng.choice([None, 1 + rng.random()]),
        "inference_seconds": rng.random(), "model_bytes": 4000,
    }  # fmt: skip
    return TrialRecord(**(known | changes))


def curve(rng: random.Random, last: float) -> Curve:
    metric = np.sort(np.array([rng.uniform(0.5, 0.9) for _ in range(4)]))
    metric[rng.randrange(4)] = math.nan
    seconds = np.linspace(0.2, last, 4)
    steps = np.arange(1, 5)
    return Curve(steps, steps, seconds, np.ones(4), metric, 9 * steps, 9 * steps)


def everything(seed: int) -> tuple[list[TrialRecord], dict[str, Curve]]:
    """Repeats, failures, newer versions of trials, an interruption, a reference that lacks splits, two datasets."""
    rng = random.Random(seed)
    trials = [trial(method, split, rng) for method in (REFERENCE, CANDIDATE, OTHER) for split in range(6)]
    trials += [trial(CANDIDATE, 0, rng, repeat=1), trial(REFERENCE, 0, rng, repeat=1)]
    trials += [trial(OTHER, 1, rng, started_at=NOON + timedelta(days=1), session_id="s2", preset="p")]
    trials += [trial(OTHER, 2, rng, started_at=NOON + timedelta(days=2), status=Status.INTERRUPTED, test_metric=None)]
    newer = {"started_at": NOON + timedelta(days=3), "session_id": "s3"}
    trials += [trial(REFERENCE, split, rng, **newer) for split in (3, 4)] + [trial(CANDIDATE, 3, rng, **newer)]
    trials += [trial(REFERENCE, 5, rng, **newer, status=Status.CRASHED, test_metric=None)]
    trials += [trial(CANDIDATE, 1, rng, started_at=NOON + timedelta(days=1), session_id="s4")]
    trials += [trial(REFERENCE, 1, rng, started_at=NOON + timedelta(days=6), session_id="s5")]
    lost = {"status": Status.TIMED_OUT, "test_metric": None, "ledger": None, "environment": {"wall_seconds": 9.0}}
    trials += [trial(CANDIDATE, 7, rng, **lost), trial(REFERENCE, 7, rng)]
    trials += [trial(ALONE, split, rng, trust=Trust.DISPUTED) for split in range(2)]
    trials += [trial(method, split, rng, dataset="pubmed", protocol="p2", protocol_settings={"target": 0.75})
               for method in (REFERENCE, CANDIDATE) for split in range(12)]  # fmt: skip
    return trials, {each.trial_id: curve(rng, 1.5) for each in trials if rng.random() < 0.9}


@pytest.mark.parametrize("seed", range(4))
def test_every_figure_agrees_with_the_board(seed: int) -> None:
    trials, curves = everything(seed)
    shown = {key_of(row): asdict(row) for row in board(trials, curves, METHODS, DATASETS)}
    expected = all_rows(trials, curves, METHODS, DATASETS)
    assert set(shown) == set(expected) and len(shown) == 6
    for key, row in expected.items():
        assert set(row) == {field.name for field in fields(BoardRow)} - {"pareto"}
        for name, value in row.items():
            assert same(shown[key][name], value), (key.method, name, shown[key][name], value)
    ratios = [row["target_ratio_low"] for row in expected.values()]
    assert any(ratio is not None and ratio != 1.0 for ratio in ratios), "the bootstrap was not tried"


def test_the_front_by_hand() -> None:
    def row(mean: float | None, seconds: float, size: int | None = 1) -> SimpleNamespace:
        return SimpleNamespace(mean=mean, scored_seconds=seconds, peak_memory_bytes=size)

    best, cheap, beaten = row(0.9, 2.0), row(0.8, 1.0), row(0.8, 2.0)
    assert on_front(best, [cheap, beaten]) and on_front(cheap, [best, beaten])
    assert not on_front(beaten, [best]) and not on_front(row(None, 1.0), [])
    # equal rows do not beat each other, and a cost that is not known is the worst
    assert on_front(best, [row(0.9, 2.0)]) and not on_front(row(0.9, 2.0, None), [best])

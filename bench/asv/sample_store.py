"""A store of made-up trials, for benchmarks of writing, reading and scoring."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

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
from db.store import Store

DATASETS, BACKBONES, SPLITS, POINTS = 2, 3, 10, 50
STRATEGIES = ("full_batch", "coarse_to_fine", "cluster_gcn", "neighbor_sampling")
_NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def fill(path: Path, trials: int | None = None) -> Path:
    """Write 2 datasets x 12 methods x 10 splits, each with its curve, or the first `trials` of them; returns `path`."""
    store = Store(path)
    machine = MachineRecord("machine", "some CPU", 2, 2**34)
    session = SessionRecord("session", "machine", _NOON, "sample", "leangnn run sample", "0" * 40)
    store.record_session(machine, session)
    for trial, dataset, method in islice(sample_trials(), trials):
        store.record_trial(trial, dataset, method)
    return path


def sample_trials() -> Iterator[tuple[TrialRecord, DatasetRecord, MethodRecord]]:
    """The same trials every time."""
    chance = random.Random(0)
    for number in range(DATASETS):
        dataset = _dataset(f"dataset-{number}")
        for backbone in [f"gcn(layers={layers})" for layers in range(2, 2 + BACKBONES)]:
            for strategy in STRATEGIES:
                method = _method(backbone, strategy)
                for split in range(SPLITS):
                    yield _trial(dataset, method, split, chance), dataset, method


def _dataset(name: str) -> DatasetRecord:
    return DatasetRecord(name, "1", "0" * 64, 1000, 5000, 32, 7, 1, "node", "accuracy", 0.6, 0.4)


def _method(backbone: str, strategy: str) -> MethodRecord:
    reference = f"{backbone}+full_batch"
    return MethodRecord(f"{backbone}+{strategy}", backbone, strategy, None, None, "training", reference)


def _trial(dataset: DatasetRecord, method: MethodRecord, split: int, chance: random.Random) -> TrialRecord:
    identity = f"{dataset.name} {method.name} {split}"
    train = chance.uniform(1, 10)
    curve = tuple(
        CurvePoint(epoch, epoch, train * epoch / POINTS, 1 / epoch, chance.uniform(0.5, 0.9), epoch, epoch)
        for epoch in range(1, POINTS + 1)
    )
    metric = chance.uniform(0.6, 0.9)
    return TrialRecord(
        trial_id=identity,
        fingerprint=identity,
        session_id="session",
        machine_id="machine",
        dataset=dataset.name,
        dataset_version=dataset.version,
        method=method.name,
        protocol="protocol",
        protocol_settings={"epochs": POINTS},
        preset=None,
        split=split,
        seed=0,
        repeat=0,
        device="cpu",
        status=Status.FINISHED,
        started_at=_NOON,
        ledger=Ledger(1, 0.5, 0, train, 0.5, 0, 0.1, train + 2.1),
        validation_metric=metric,
        test_metric=metric,
        selected_epoch=POINTS,
        epochs=POINTS,
        peak_memory_bytes=chance.randrange(10**8, 10**9),
        curve=curve,
    )

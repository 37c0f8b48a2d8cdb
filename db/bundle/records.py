"""From a bundle to the records of the store.

A submission's trials lie under a machine and identifiers of their own, so that nothing a stranger writes can replace
a trial that was measured here, or stand in one comparison of seconds and bytes with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from db.bundle.manifest import Manifest, Method, Trial
from db.records import (
    CurvePoint,
    DatasetRecord,
    Ledger,
    MachineRecord,
    MethodCard,
    MethodRecord,
    SessionRecord,
    Status,
    TrialRecord,
    Trust,
)
from db.scoring.curve import Curve

_PREFIX = 32


class Protocol(NamedTuple):
    """The settings of some trials, and their hash, which the board groups by."""

    key: str
    settings: dict[str, Any]


class Scored(NamedTuple):
    """The metrics of one trial, and its compressed predictions as the store keeps them."""

    test_metric: float
    validation_metric: float
    further_metrics: dict[str, float] | None = None
    predictions: bytes | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Addition:
    """A bundle as records, ready for `db.trust.add`."""

    submission_id: str
    manifest: Manifest
    machine: MachineRecord
    sessions: tuple[SessionRecord, ...]
    datasets: tuple[DatasetRecord, ...]
    methods: tuple[MethodRecord, ...]
    card: MethodCard
    trials: tuple[TrialRecord, ...]


def machine_id(submission_id: str) -> str:
    """The machine under which a submission's trials are stored."""
    return f"submission-{submission_id[:_PREFIX]}"


def claimed(manifest: Manifest) -> dict[str, Scored]:
    """The metrics that the manifest claims, by trial."""
    return {
        trial.id: Scored(trial.test_metric, trial.validation_metric)
        for trial in manifest.trials
        if trial.test_metric is not None and trial.validation_metric is not None
    }


def addition(
    submission_id: str,
    manifest: Manifest,
    curves: Mapping[str, Curve],
    datasets: Mapping[str, DatasetRecord],
    protocols: Mapping[str, Protocol],
    scores: Mapping[str, Scored],
) -> Addition:
    """The records of a bundle.

    Args:
        curves, scores: by trial, of those that have a metric.
        datasets: our own records by name, never the bundle's.
        protocols: by the manifest's keys.
    """
    return Addition(
        submission_id,
        manifest,
        MachineRecord(machine_id(submission_id), **dict(manifest.machine)),
        tuple(_sessions(submission_id, manifest)),
        tuple(datasets[dataset.name] for dataset in manifest.datasets),
        tuple(method_records(manifest)),
        MethodCard(manifest.method.name, **dict(manifest.card)),
        tuple(
            _trial(
                submission_id,
                manifest,
                trial,
                datasets[trial.dataset],
                protocols[trial.protocol],
                curves.get(trial.id),
                scores.get(trial.id),
            )
            for trial in manifest.trials
        ),
    )


def method_records(manifest: Manifest) -> list[MethodRecord]:
    """The method and, where there are trials of it, its reference."""
    methods = [manifest.method]
    if any(trial.reference for trial in manifest.trials):
        methods.append(manifest.method.reference)
    return [_method(method) for method in methods]


def _method(method: Method) -> MethodRecord:
    return MethodRecord(
        name=method.name,
        **dict(method),
        track="training" if method.quantizer is None else "low_bit",
        reference=method.reference.name,
    )


def _sessions(submission_id: str, manifest: Manifest) -> list[SessionRecord]:
    return [
        SessionRecord(
            session_id=_session_id(submission_id, session.id),
            machine_id=machine_id(submission_id),
            suite=None,
            command=f"submission {submission_id}",
            **{name: value for name, value in session if name != "id"},
        )
        for session in manifest.sessions
    ]


def _session_id(submission_id: str, session: str) -> str:
    return f"{submission_id[:_PREFIX]}-{session}"


_COPIED = (
    "preset", "split", "seed", "repeat", "device", "started_at", "reason", "selected_epoch", "epochs", "parameters",
    "model_bytes", "peak_memory_bytes", "memory", "energy_joules", "energy", "inference_seconds", "node_visits",
    "edge_visits", "schedule", "environment",
)  # fmt: skip


def _trial(
    submission_id: str,
    manifest: Manifest,
    trial: Trial,
    dataset: DatasetRecord,
    protocol: Protocol,
    curve: Curve | None,
    scored: Scored | None,
) -> TrialRecord:
    return TrialRecord(
        trial_id=f"{submission_id[:_PREFIX]}-{trial.id}",
        fingerprint=hashlib.sha256(f"{submission_id}/{trial.id}".encode()).hexdigest()[:_PREFIX],
        session_id=_session_id(submission_id, trial.session),
        machine_id=machine_id(submission_id),
        dataset=dataset.name,
        dataset_version=dataset.version,
        method=(manifest.method.reference if trial.reference else manifest.method).name,
        protocol=protocol.key,
        protocol_settings=protocol.settings,
        status=Status(trial.status),
        ledger=None if trial.ledger is None else Ledger(**dict(trial.ledger)),
        test_metric=None if scored is None else scored.test_metric,
        validation_metric=None if scored is None else scored.validation_metric,
        further_metrics=None if scored is None else scored.further_metrics,
        predictions=None if scored is None else scored.predictions,
        predictions_sha256=None if scored is None else scored.sha256,
        curve=() if curve is None else tuple(_points(curve)),
        trust=Trust.SELF_REPORTED,
        **{name: getattr(trial, name) for name in _COPIED},
    )


def _points(curve: Curve) -> Iterator[CurvePoint]:
    names = [field.name for field in fields(CurvePoint)]
    for row in zip(*(getattr(curve, name).tolist() for name in names), strict=True):
        yield CurvePoint(*row)

"""Packing trials of one's own store into a bundle."""

from __future__ import annotations

import io
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from bench.datasets import registry
from bench.datasets.graph_data import GraphData
from bench.errors import DataError, UsageError
from bench.submission.check import Sources
from db.bundle import manifest, tables
from db.bundle.manifest import Draft
from db.bundle.read_manifest import FORMAT, VERSION, read_draft
from db.bundle.text import printable, printable_document
from db.bundle.write import packed
from db.read import Reader
from db.records import Ledger, MachineRecord, SessionRecord, Status, TrialRecord, Trust
from db.scoring.paired import pair_trials
from methods.method import Method

_FIGURES = (
    "preset", "split", "seed", "repeat", "device", "validation_metric", "test_metric", "selected_epoch", "epochs",
    "parameters", "model_bytes", "peak_memory_bytes", "energy_joules", "inference_seconds", "node_visits",
    "edge_visits",
)  # fmt: skip
_DOCUMENTS = ("memory", "energy", "schedule", "environment")
_OF_SESSION = ("code_version", "calibration_before", "calibration_after")


def pack(
    method: str,
    sources: Sources,
    *,
    submitter: str,
    card: Mapping[str, str],
    datasets: Sequence[str] = (),
    machine: str | None = None,
) -> bytes:
    """The bytes of a bundle with the newest trials of a method and those of its reference beside them.

    Args:
        method: as `leangnn run` takes it.
        sources: the store, and where datasets are.
        submitter: who answers questions; it is public.
        card: fields of `db.bundle.manifest.Card`.
        datasets: canonical specs; all when empty.
        machine: the first characters of a machine's identifier; needed where trials come from several.

    Raises:
        UsageError: nothing in the store fits these words, or several machines do.
        DataError: a dataset cannot be had, or is not the version that was run.
        BundleError: something in the store does not fit into a bundle.
    """
    assert sources.store is not None
    parsed, reader = Method.parse(method), Reader(sources.store)
    trials = _chosen(reader, parsed, datasets)
    own = _on_one_machine(trials, reader.machines(), machine)
    trials = [trial for trial in trials if trial.machine_id == own.machine_id]
    if all(trial.method != parsed.name for trial in trials):
        raise UsageError(f"the store has no trial of {parsed.name} on this machine; see: leangnn trials")
    data = {name: _load(name, trials, sources) for name in sorted({trial.dataset for trial in trials})}
    sessions = [session for session in reader.sessions() if session.session_id in {t.session_id for t in trials}]
    names = {session.session_id: f"{index:02d}" for index, session in enumerate(sessions, 1)}
    draft = _draft(
        {
            "format": FORMAT,
            "version": VERSION,
            "submitter": submitter,
            "method": {name: _spec(getattr(parsed, name)) for name in manifest.Method.model_fields},
            "card": dict(card),
            "machine": _machine(own),
            "sessions": [_session(session, names) for session in sessions],
            "datasets": [{"name": n, "version": d.version, "sha256": d.sha256} for n, d in data.items()],
            "protocols": {trial.protocol: trial.protocol_settings for trial in trials},
            "trials": [_trial(f"{index:03d}", trial, parsed, names) for index, trial in enumerate(trials, 1)],
        }
    )
    return packed(draft, _parts(draft, trials, reader, data))


def _chosen(reader: Reader, method: Method, datasets: Sequence[str]) -> list[TrialRecord]:
    """The newest trial of each seed and the one of the reference that the board pairs it with; none interrupted."""
    filters = {"dataset": [registry.canonical(name) for name in datasets]} if datasets else {}
    found = reader.trials(method=[method.name, method.reference.name], **filters)
    fit = [t for t in found if t.status is not Status.INTERRUPTED and t.trust is Trust.MEASURED_HERE]
    chosen = {_cell(trial): trial for trial in fit}  # the newest, because they come oldest first
    own = [trial for trial in chosen.values() if trial.method == method.name]
    beside = [trial for trial in fit if trial.method != method.name and trial.status.has_metric]
    chosen |= {_cell(other): other for _, other in pair_trials(own, beside)}
    places = {(trial.dataset, trial.protocol, trial.device) for trial in own}
    return [trial for trial in chosen.values() if (trial.dataset, trial.protocol, trial.device) in places]


def _cell(trial: TrialRecord) -> Hashable:
    return (
        *(trial.machine_id, trial.method, trial.dataset, trial.protocol, trial.device),
        *(trial.split, trial.seed, trial.repeat),
    )


def _on_one_machine(
    trials: Iterable[TrialRecord], machines: Iterable[MachineRecord], wanted: str | None
) -> MachineRecord:
    used = {trial.machine_id for trial in trials}
    fitting = [item for item in machines if item.machine_id in used and item.machine_id.startswith(wanted or "")]
    if not fitting:
        raise UsageError("the store has no such trials measured here; see: leangnn trials")
    if len(fitting) > 1:
        known = ", ".join(f"{item.machine_id[:12]} ({item.gpu_model or item.cpu_model})" for item in fitting)
        raise UsageError(f"the trials come from {len(fitting)} machines; choose one with --machine: {known}")
    return fitting[0]


def _load(name: str, trials: Iterable[TrialRecord], sources: Sources) -> GraphData:
    data = registry.load(name, sources.data_dir, sources.cache_dir)
    if other := {trial.dataset_version for trial in trials if trial.dataset == name} - {data.version}:
        raise DataError(f"trials ran {name} in version '{other.pop()}' and it is '{data.version}' now; run them again")
    return data


def _draft(table: Mapping[str, Any]) -> Draft:
    # through the reader of strangers' manifests, so that what is packed can be read
    return read_draft(json.dumps(table).encode())


def _spec(part: object) -> str | None:
    return None if part is None else str(part)


def _machine(record: MachineRecord) -> dict[str, Any]:
    values = {name: value for name, value in asdict(record).items() if name != "machine_id"}
    return {name: printable(value) if isinstance(value, str) else value for name, value in values.items()}


def _session(record: SessionRecord, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": names[record.session_id],
        "started_at": record.started_at.isoformat(),
        "finished_at": None if record.finished_at is None else record.finished_at.isoformat(),
        "environment": printable_document(record.environment),
        **{name: getattr(record, name) for name in _OF_SESSION},
    }


def _trial(identifier: str, record: TrialRecord, method: Method, sessions: Mapping[str, str]) -> dict[str, Any]:
    # what the command line printed may name folders, and stays at home
    return {
        "id": identifier,
        "reference": record.method != method.name,
        "dataset": record.dataset,
        "protocol": record.protocol,
        "session": sessions[record.session_id],
        "status": record.status.value,
        "reason": None if record.reason is None else printable(record.reason),
        "started_at": record.started_at.isoformat(),
        "ledger": None if record.ledger is None else {f.name: getattr(record.ledger, f.name) for f in fields(Ledger)},
        **{name: getattr(record, name) for name in _FIGURES},
        **{name: printable_document(getattr(record, name)) for name in _DOCUMENTS},
    }


def _parts(
    draft: Draft, trials: Sequence[TrialRecord], reader: Reader, data: Mapping[str, GraphData]
) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    records = {entry.id: record for entry, record in zip(draft.trials, trials, strict=True) if entry.has_metric}
    curves = reader.curves([record.trial_id for record in records.values()])
    for name, record in records.items():
        stored = reader.predictions(record.trial_id)
        if stored is None or record.trial_id not in curves:
            raise UsageError(f"trial {record.trial_id} has no predictions or no curve in the store; run it again")
        with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
            values = np.concatenate([arrays["valid"], arrays["test"]])
        split = data[record.dataset].splits[record.split]
        parts[manifest.curve_path(name)] = tables.write_curve(curves[record.trial_id])
        parts[manifest.predictions_path(name)] = tables.write_predictions(
            np.concatenate([split.valid, split.test]), values
        )
    return parts

"""`leangnn trials`."""

from __future__ import annotations

from typing import Any

from bench.cli import output
from bench.cli.words import store_to_show
from bench.errors import UsageError
from db.read import Reader
from db.records import Status, TrialRecord
from methods.spec import nearest

_COLUMNS = (
    "dataset", "method", "split", "seed", "status", "test", "validation", "epoch", "time", "memory", "reason",
)  # fmt: skip
_PLAIN = (
    "trial_id", "dataset", "dataset_version", "method", "split", "seed", "repeat", "preset", "protocol", "device",
    "machine_id", "reason", "attempt", "validation_metric", "test_metric", "selected_epoch", "epochs", "parameters",
    "model_bytes", "peak_memory_bytes", "memory", "energy_joules", "energy", "inference_seconds", "node_visits",
    "edge_visits", "predictions_sha256", "protocol_settings", "environment", "log_tail",
)  # fmt: skip


def show_trials(db: str, filters: dict[str, Any], as_json: bool) -> None:
    """Print the stored trials, oldest first. As JSON with `balanced_accuracy` on the test set, beside the metric."""
    known = [status.value for status in Status]
    if "status" in filters and filters["status"] not in known:
        raise UsageError(f"no trial ends as '{filters['status']}'; {nearest(filters['status'], known)}")
    db = store_to_show(db)
    trials = Reader(db).trials(**filters)
    if as_json:
        output.print_json([_document(trial) for trial in trials])
        return
    if not trials:
        print(f"No trial {'matches' if filters else 'is stored yet; start with: leangnn run quick'} ({db}).")
        return
    output.print_table(_COLUMNS, [_cells(trial) for trial in trials], numeric=(2, 3, 5, 6, 7, 8, 9))


def _document(trial: TrialRecord) -> dict[str, Any]:
    ledger = None if trial.ledger is None else {**vars(trial.ledger), "scored": trial.ledger.scored}
    return {
        **{name: getattr(trial, name) for name in _PLAIN},
        "status": trial.status.value,
        "trust": trial.trust.value,
        "started_at": trial.started_at.isoformat(),
        "ledger": ledger,
        "balanced_accuracy": (trial.further_metrics or {}).get("test_balanced_accuracy"),
    }


def _cells(trial: TrialRecord) -> tuple[str, ...]:
    return (
        trial.dataset,
        trial.method,
        str(trial.split),
        str(trial.seed),
        trial.status.value,
        output.percent(trial.test_metric),
        output.percent(trial.validation_metric),
        output.NONE if trial.selected_epoch is None else f"{trial.selected_epoch}/{trial.epochs}",
        output.seconds(None if trial.ledger is None else trial.ledger.scored),
        output.megabytes(trial.peak_memory_bytes),
        trial.reason or "",
    )

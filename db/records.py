"""What crosses the door of the store: plain records, independent of tables and of torch.

Seconds are float seconds, memory is bytes, energy is joules, metrics are fractions (0.895, not 89.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a trial ended. Every trial ends as one of these; a failure is a result with its reason."""

    FINISHED = "finished"
    MISSED_TARGET = "missed_target"
    OUT_OF_MEMORY = "out_of_memory"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    INTERRUPTED = "interrupted"

    @property
    def has_metric(self) -> bool:
        """Whether a trial that ended so has predictions and so a test metric."""
        return self in (Status.FINISHED, Status.MISSED_TARGET)


class Trust(StrEnum):
    """How far a row can be believed (DESIGN: the trust ladder). Rows of one's own runs are `measured_here`."""

    MEASURED_HERE = "measured_here"
    SELF_REPORTED = "self_reported"
    CHECKED = "checked"
    REPRODUCED = "reproduced"
    DISPUTED = "disputed"
    RETRACTED = "retracted"
    REJECTED = "rejected"
    """Of a submission only: its trials are not kept."""


@dataclass(frozen=True)
class MachineRecord:
    """The hardware, by model and not by serial number. `machine_id` is a hash of the other fields that decide speed."""

    machine_id: str
    cpu_model: str
    cpu_cores: int
    memory_bytes: int
    gpu_model: str | None = None
    gpu_memory_bytes: int | None = None
    gpu_driver: str | None = None
    operating_system: str = ""


@dataclass(frozen=True)
class SessionRecord:
    """One invocation of the runner on one machine."""

    session_id: str
    machine_id: str
    started_at: datetime
    suite: str | None
    command: str
    code_version: str
    environment: dict[str, Any] = field(default_factory=dict)
    """Versions of Python, torch and the like, thread counts, allocator settings."""
    finished_at: datetime | None = None
    calibration_before: dict[str, float] | None = None
    calibration_after: dict[str, float] | None = None
    """Seconds of each calibration kernel, for example {"gemm": 0.01, "aggregate": 0.02, "gather": 0.01}."""


@dataclass(frozen=True)
class DatasetRecord:
    """One dataset in one version. `name` is the canonical spec, for example `cora(split=full)`."""

    name: str
    version: str
    sha256: str
    nodes: int
    edges: int
    features: int
    classes: int
    graphs: int
    level: str
    """What a label belongs to: `node` or `graph`."""
    metric: str
    edge_homophily: float | None
    adjusted_homophily: float | None
    description: str = ""
    substitute_for: str | None = None


@dataclass(frozen=True)
class MethodRecord:
    """One method: a choice of backbone, strategy, rescaler and quantizer with their parameters."""

    name: str
    """Canonical spelling; it parses back to the same method."""
    backbone: str
    """Canonical spec of the part, for example `gcn(layers=3)`; the same for the next three."""
    strategy: str
    rescaler: str | None
    quantizer: str | None
    track: str
    """`training` or `low_bit`."""
    reference: str
    """Name of the method this one is paired with: same backbone, full batch, FP32. A reference names itself."""


@dataclass(frozen=True)
class CurvePoint:
    """One evaluation during a trial."""

    epoch: int
    step: int
    scored_seconds: float
    train_loss: float
    validation_metric: float
    node_visits: int
    edge_visits: int


@dataclass(frozen=True)
class DynamicsRecord:
    """One quantity of the network, sampled during a trial's training."""

    quantity: str
    """For example `relative_gradient_norm`; `bench.dynamics` defines them."""
    epochs: tuple[int, ...]
    """Finished epochs at each sample: 0 is before the first update."""
    values: Sequence[Any]
    """One item a sample: a number a layer, or for each group of hidden units its quantiles; None where there is none
    or it was not finite."""


@dataclass(frozen=True)
class Ledger:
    """Where the wall time of a trial's process went. The parts sum to `wall` within 1 %."""

    load: float
    preprocess: float
    compile: float
    train: float
    evaluate: float
    checkpoint: float
    idle: float
    wall: float

    @property
    def scored(self) -> float:
        """Scored time: preprocess + compile + train."""
        return self.preprocess + self.compile + self.train


@dataclass(frozen=True)
class TrialFigures:
    """One (dataset, split, seed, method, protocol) on one machine: what is said in words and numbers of a trial."""

    trial_id: str
    """A UUIDv7, made by the runner."""
    fingerprint: str
    """Hash of dataset version, method, protocol, split, seed, repeat, hardware class and code version, and of the night
    in a nightly; unique."""
    session_id: str
    machine_id: str
    dataset: str
    dataset_version: str
    method: str
    protocol: str
    """Hash of everything in `protocol_settings`; rows are compared only within one protocol."""
    preset: str | None
    split: int
    seed: int
    repeat: int
    device: str
    """`cpu` or `cuda`."""
    status: Status
    started_at: datetime
    reason: str | None = None
    """One sentence for a status other than finished."""
    attempt: int = 1
    ledger: Ledger | None = None
    validation_metric: float | None = None
    test_metric: float | None = None
    selected_epoch: int | None = None
    epochs: int | None = None
    parameters: int | None = None
    model_bytes: int | None = None
    peak_memory_bytes: int | None = None
    """The headline number: on a GPU the allocator's peak, on a CPU the peak resident set above its level before;
    evaluation, like in scored time, is left out."""
    energy_joules: float | None = None
    inference_seconds: float | None = None
    node_visits: int | None = None
    edge_visits: int | None = None
    predictions_sha256: str | None = None
    trust: Trust = Trust.MEASURED_HERE


@dataclass(frozen=True)
class TrialRecord(TrialFigures):
    """A trial with its documents, which are many times as large as its figures."""

    protocol_settings: dict[str, Any] = field(kw_only=True)
    """Optimizer, learning rate, budget, evaluation cadence, early stopping, target."""
    log_tail: str | None = None
    further_metrics: dict[str, float] | None = None
    """Computed by the scorer from the same predictions, by name: `test_balanced_accuracy`,
    `validation_balanced_accuracy`."""
    memory: dict[str, Any] = field(default_factory=dict)
    """Every memory number with its definition: {"rss_above_start": {"bytes": 1, "definition": "..."}, ...}."""
    energy: dict[str, Any] = field(default_factory=dict)
    """Details of the measurement, or {"reason": "..."} when there is none."""
    schedule: list[dict[str, Any]] | None = None
    """What the steps saw, one segment as long as the coarsening levels of the views stayed the same:
    {"scales": [2], "epoch": 0, "scored_seconds": 0.1, "steps": 40, "node_visits": 1, "edge_visits": 1}."""
    environment: dict[str, Any] = field(default_factory=dict)
    """What only the trial's own process knows: allocator settings, thread counts, warm-up seconds."""
    curve: tuple[CurvePoint, ...] = ()
    dynamics: tuple[DynamicsRecord, ...] = ()
    predictions: bytes | None = None
    """Compressed predictions on validation and test nodes (or graphs), so that the metric can be computed again."""


@dataclass(frozen=True)
class PublishedFigure:
    """One figure that a paper printed, to stand beside ours. Metrics are fractions, ratios over the baseline."""

    figure_id: str
    """Paper, table and cell, for example `lowbit/table-2/cora/int4/qlr`."""
    paper: str
    """`multiscale`, `rescaling` or `lowbit`; `reference` for what others published."""
    place: str
    """Where it is printed, for example `Table 2`."""
    quantity: str
    """`test_metric`, or the name of another figure of a row of the board, such as `time_ratio`."""
    value: float | None
    """None where the paper has a figure that nobody here could read."""
    spread: float | None = None
    """The standard deviation that the paper prints."""
    dataset: str | None = None
    """Our dataset that it is held against; None when we have none."""
    method: str | None = None
    """Our method that it is held against, by its canonical name; None when we have none."""
    preset: str | None = None
    """The settings of ours that follow the paper's."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of the protocol that a row of ours must have; a list holds several that will do."""
    command: str | None = None
    """What runs ours, for example `leangnn run --dataset cora --method gcn --preset planetoid`."""
    source: str = ""
    """File, page or URL where the figure was seen."""
    note: str = ""
    not_comparable: str | None = None
    """Why ours cannot be held against it; None when it can."""


@dataclass(frozen=True)
class Finding:
    """Something that released code does differently from its paper, with the rows of ours that measure the effect."""

    finding_id: str
    """Paper, finding and effect, for example `lowbit/untrained-range/cora`."""
    paper: str
    title: str
    text: str
    quantity: str | None = None
    """What is measured on both sides, see `db.findings`; None when nothing can be."""
    corrected: dict[str, Any] | None = None
    """Our reading of the paper: {"dataset", "method", "settings"}, with settings as in `PublishedFigure`."""
    release: dict[str, Any] | None = None
    """The same for what the released code does; it may have a "quantity" of its own."""
    command: str | None = None
    """What runs both sides."""
    unmeasured: str | None = None
    """Why no rows of ours can measure it."""


@dataclass(frozen=True)
class MethodCard:
    """Who made a method, and from what; of a method whose submission was approved."""

    method: str
    authors: str
    paper: str | None = None
    code_url: str | None = None
    licence: str | None = None
    derived_from: str | None = None
    """Name of the method that this one builds on; a retraction of that one marks this one."""
    description: str = ""


@dataclass(frozen=True)
class SubmissionRecord:
    """One bundle that was added to the store."""

    submission_id: str
    """SHA-256 of the bundle's file."""
    machine_id: str
    """The machine that its trials are stored under, and no others."""
    received_at: datetime
    submitter: str
    method: str
    manifest: dict[str, Any]
    report: dict[str, Any]
    """What the check found when it was added."""


@dataclass(frozen=True)
class TrustEvent:
    """One step on the trust ladder: of a submission, or of a method's trials that were measured here."""

    event_id: str
    submission_id: str | None
    """None when the step is of the trials that were measured here."""
    method: str
    state: Trust
    at: datetime
    who: str
    why: str
    evidence: dict[str, Any] | None = None
    """Figures behind the step, such as those of a reproduction."""

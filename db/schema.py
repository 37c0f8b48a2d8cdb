"""The tables, portable between DuckDB and PostgreSQL: keys made by the client, doubles, JSON, no
autoincrement.

Seconds are double seconds, memory is bytes, energy is joules, metrics are fractions.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    String,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from db.records import Status, Trust


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, kept as naive UTC because the databases disagree on time zones.

    Raises:
        ValueError: on writing a naive datetime, whose zone could only be guessed.
    """

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the moment {value} has no time zone; use datetime.now(UTC)")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012
        str: String,
        int: BigInteger,
        float: Double,  # Float may be 32 bit
        bytes: LargeBinary,
        datetime: UTCDateTime,
        # A missing document is SQL's NULL, not the JSON word null
        dict[str, Any]: JSON(none_as_null=True),
        list[dict[str, Any]]: JSON(none_as_null=True),
        list[int]: JSON,
        list[Any]: JSON,
    }


def _one_of(column: str, words: type[Status] | type[Trust]) -> CheckConstraint:
    listed = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"known_{column}")


def _non_negative(*columns: str) -> tuple[CheckConstraint, ...]:
    return tuple(CheckConstraint(f"{column} >= 0", name=f"non_negative_{column}") for column in columns)


class SchemaVersion(Base):
    """One row: the version of the tables in this database."""

    __tablename__ = "schema_version"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)


class Machine(Base):
    """See `db.records.MachineRecord`."""

    __tablename__ = "machines"

    machine_id: Mapped[str] = mapped_column(primary_key=True)
    cpu_model: Mapped[str]
    cpu_cores: Mapped[int]
    memory_bytes: Mapped[int]
    gpu_model: Mapped[str | None]
    gpu_memory_bytes: Mapped[int | None]
    gpu_driver: Mapped[str | None]
    operating_system: Mapped[str]


class Session(Base):
    """See `db.records.SessionRecord`."""

    __tablename__ = "sessions"

    session_id: Mapped[str] = mapped_column(primary_key=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.machine_id"))
    started_at: Mapped[datetime]
    suite: Mapped[str | None]
    command: Mapped[str]
    code_version: Mapped[str]
    environment: Mapped[dict[str, Any]]
    finished_at: Mapped[datetime | None]
    calibration_before: Mapped[dict[str, Any] | None]
    calibration_after: Mapped[dict[str, Any] | None]


class Dataset(Base):
    """See `db.records.DatasetRecord`."""

    __tablename__ = "datasets"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    nodes: Mapped[int]
    edges: Mapped[int]
    features: Mapped[int]
    classes: Mapped[int]
    graphs: Mapped[int]
    level: Mapped[str]
    metric: Mapped[str]
    edge_homophily: Mapped[float | None]
    adjusted_homophily: Mapped[float | None]
    description: Mapped[str]
    substitute_for: Mapped[str | None]


class Method(Base):
    """See `db.records.MethodRecord`."""

    __tablename__ = "methods"

    name: Mapped[str] = mapped_column(primary_key=True)
    backbone: Mapped[str]
    strategy: Mapped[str]
    rescaler: Mapped[str | None]
    quantizer: Mapped[str | None]
    track: Mapped[str]
    reference: Mapped[str]


class Trial(Base):
    """See `db.records.TrialRecord`; the ledger lies flat in columns, null when the trial left none."""

    __tablename__ = "trials"
    __table_args__ = (
        ForeignKeyConstraint(["dataset", "dataset_version"], ["datasets.name", "datasets.version"]),
        _one_of("status", Status),
        _one_of("trust", Trust),
        CheckConstraint("attempt >= 1", name="positive_attempt"),
        *_non_negative(
            *("load_seconds", "preprocess_seconds", "compile_seconds", "train_seconds", "evaluate_seconds"),
            *("checkpoint_seconds", "idle_seconds", "wall_seconds", "inference_seconds"),
            *("peak_memory_bytes", "energy_joules"),
        ),
    )

    trial_id: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.session_id"))
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.machine_id"))
    dataset: Mapped[str]
    dataset_version: Mapped[str]
    method: Mapped[str] = mapped_column(ForeignKey("methods.name"))
    protocol: Mapped[str]
    protocol_settings: Mapped[dict[str, Any]]
    preset: Mapped[str | None]
    split: Mapped[int]
    seed: Mapped[int]
    repeat: Mapped[int]
    device: Mapped[str]
    status: Mapped[str]
    started_at: Mapped[datetime]
    reason: Mapped[str | None]
    log_tail: Mapped[str | None]
    attempt: Mapped[int]
    load_seconds: Mapped[float | None]
    preprocess_seconds: Mapped[float | None]
    compile_seconds: Mapped[float | None]
    train_seconds: Mapped[float | None]
    evaluate_seconds: Mapped[float | None]
    checkpoint_seconds: Mapped[float | None]
    idle_seconds: Mapped[float | None]
    wall_seconds: Mapped[float | None]
    validation_metric: Mapped[float | None]
    test_metric: Mapped[float | None]
    further_metrics: Mapped[dict[str, Any] | None]
    selected_epoch: Mapped[int | None]
    epochs: Mapped[int | None]
    parameters: Mapped[int | None]
    model_bytes: Mapped[int | None]
    peak_memory_bytes: Mapped[int | None]
    memory: Mapped[dict[str, Any]]
    energy_joules: Mapped[float | None]
    energy: Mapped[dict[str, Any]]
    inference_seconds: Mapped[float | None]
    node_visits: Mapped[int | None]
    edge_visits: Mapped[int | None]
    schedule: Mapped[list[dict[str, Any]] | None]
    predictions_sha256: Mapped[str | None]
    environment: Mapped[dict[str, Any]]
    trust: Mapped[str]


# The next three name a trial without a foreign key: DuckDB refuses to delete a parent in the transaction that
# deletes its children, and a failed trial must be replaced in one transaction.


class CurvePoint(Base):
    """See `db.records.CurvePoint`; `position` counts the evaluations of one trial from 0."""

    __tablename__ = "curve_points"
    __table_args__ = _non_negative("scored_seconds")

    trial_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    step: Mapped[int]
    scored_seconds: Mapped[float]
    train_loss: Mapped[float | None]
    validation_metric: Mapped[float | None]
    node_visits: Mapped[int]
    edge_visits: Mapped[int]


class Predictions(Base):
    """The compressed predictions of one trial."""

    __tablename__ = "predictions"

    trial_id: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[bytes]


class Dynamics(Base):
    """See `db.records.DynamicsRecord`."""

    __tablename__ = "dynamics"

    trial_id: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[str] = mapped_column(primary_key=True)
    epochs: Mapped[list[int]]
    values: Mapped[list[Any]]


class PublishedFigure(Base):
    """See `db.records.PublishedFigure`."""

    __tablename__ = "published_figures"

    figure_id: Mapped[str] = mapped_column(primary_key=True)
    paper: Mapped[str]
    place: Mapped[str]
    quantity: Mapped[str]
    value: Mapped[float | None]
    spread: Mapped[float | None]
    dataset: Mapped[str | None]
    method: Mapped[str | None]
    preset: Mapped[str | None]
    settings: Mapped[dict[str, Any]]
    command: Mapped[str | None]
    source: Mapped[str]
    note: Mapped[str]
    not_comparable: Mapped[str | None]


class Finding(Base):
    """See `db.records.Finding`."""

    __tablename__ = "findings"

    finding_id: Mapped[str] = mapped_column(primary_key=True)
    paper: Mapped[str]
    title: Mapped[str]
    text: Mapped[str]
    quantity: Mapped[str | None]
    corrected: Mapped[dict[str, Any] | None]
    release: Mapped[dict[str, Any] | None]
    command: Mapped[str | None]
    unmeasured: Mapped[str | None]


class MethodCard(Base):
    """See `db.records.MethodCard`."""

    __tablename__ = "method_cards"

    method: Mapped[str] = mapped_column(primary_key=True)
    authors: Mapped[str]
    paper: Mapped[str | None]
    code_url: Mapped[str | None]
    licence: Mapped[str | None]
    derived_from: Mapped[str | None]
    description: Mapped[str]


class Submission(Base):
    """See `db.records.SubmissionRecord`."""

    __tablename__ = "submissions"

    submission_id: Mapped[str] = mapped_column(primary_key=True)
    machine_id: Mapped[str]
    received_at: Mapped[datetime]
    submitter: Mapped[str]
    method: Mapped[str]
    manifest: Mapped[dict[str, Any]]
    report: Mapped[dict[str, Any]]


class TrustEvent(Base):
    """See `db.records.TrustEvent`. Rows are only ever added."""

    __tablename__ = "trust_events"
    __table_args__ = (_one_of("state", Trust),)

    event_id: Mapped[str] = mapped_column(primary_key=True)
    submission_id: Mapped[str | None]
    method: Mapped[str]
    state: Mapped[str]
    at: Mapped[datetime] = mapped_column("at", quote=True)  # a reserved word of DuckDB
    who: Mapped[str]
    why: Mapped[str]
    evidence: Mapped[dict[str, Any] | None]


PARTS_OF_TRIAL = (CurvePoint, Predictions, Dynamics)
"""The tables whose rows belong to one trial, and are stored and deleted with it."""

"""The manifest of a bundle: who submits what, run how, with which figures. Its JSON Schema is submissions/schema.json.

Seconds are float seconds, memory is bytes, energy is joules, metrics are fractions (0.895, not 89.5).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from db.bundle.limits import TRIALS
from db.bundle.text import Count, Document, Fraction, Line, Paragraph, Part, Seconds, WebAddress, Word

NAME = "manifest.json"

_EARLIEST = datetime(2016, 1, 1, tzinfo=UTC)


def _plausible(moment: datetime) -> datetime:
    if not _EARLIEST <= moment <= datetime.now(UTC) + timedelta(days=1):
        raise ValueError(f"{moment.isoformat()} lies in the future or before {_EARLIEST.year}; correct the clock")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""For example `2026-01-02T12:00:00Z`."""
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Method(_Model):
    """What was run, each part with its parameters: `gcn(layers=3)`. Its name is the parts joined by `+`.

    A part that LeanGNN has under this name is taken for that one.
    """

    backbone: Part
    strategy: Part = "full_batch"
    rescaler: Part | None = None
    quantizer: Part | None = None

    @property
    def name(self) -> str:
        """The name on the board."""
        return "+".join(part for part in (self.backbone, self.strategy, self.rescaler, self.quantizer) if part)

    @property
    def reference(self) -> Method:
        """What its cost is compared with: the same backbone, full batch, 32-bit floats."""
        return Method(backbone=self.backbone)


class Card(_Model):
    """Who made the method, and from what."""

    authors: Line
    paper: Line | None = None
    code_url: WebAddress | None = None
    licence: Line | None = None
    derived_from: Annotated[str, Field(max_length=300, pattern=r"^[A-Za-z][A-Za-z0-9_.,()=+-]*$")] | None = None
    """Name of the method on the board that this one builds on."""
    description: Paragraph = ""


class Machine(_Model):
    """What everything in the bundle ran on, by model and not by serial number."""

    cpu_model: Line
    cpu_cores: Annotated[int, Field(ge=1, le=100_000)]
    memory_bytes: Count
    gpu_model: Line | None = None
    gpu_memory_bytes: Count | None = None
    gpu_driver: Line | None = None
    operating_system: Line = "unknown"


class Session(_Model):
    """One sitting: trials of one session ran interleaved, so that their costs may be compared as pairs."""

    id: Word
    started_at: Moment
    finished_at: Moment | None = None
    code_version: Line
    """Commit or version of the code that ran."""
    environment: Document = Field(default_factory=dict)
    """Versions of Python, torch and the like, thread counts."""
    calibration_before: dict[Word, Seconds] | None = None
    calibration_after: dict[Word, Seconds] | None = None


class Dataset(_Model):
    """A dataset of LeanGNN, in the version that was run: `leangnn data describe NAME` prints it."""

    name: Part
    version: Line
    sha256: Sha256 | None = None


class Ledger(_Model):
    """Where the wall time of a trial went, in seconds; the parts sum to `wall` within 1 %."""

    load: Seconds
    preprocess: Seconds
    compile: Seconds
    train: Seconds
    evaluate: Seconds
    checkpoint: Seconds
    idle: Seconds
    wall: Seconds


class Trial(_Model):
    """One seed on one split. Its evaluations are in curves/ID.csv and its predictions in predictions/ID.csv."""

    id: Word
    reference: bool = False
    """Whether this is a trial of the reference: the same backbone, full batch, 32-bit floats."""
    dataset: Part
    protocol: Word
    """A key of `protocols`."""
    session: Word
    preset: Line | None = None
    split: Annotated[int, Field(ge=0, le=10_000)]
    seed: Count
    repeat: Count = 0
    device: Literal["cpu", "cuda"]
    status: Literal["finished", "missed_target", "out_of_memory", "timed_out", "crashed"] = "finished"
    reason: Line | None = None
    started_at: Moment
    ledger: Ledger | None = None
    """None leaves the cost empty on the board."""
    validation_metric: Fraction | None = None
    test_metric: Fraction | None = None
    selected_epoch: Count | None = None
    """The epoch that is best on validation; the predictions are of this epoch."""
    epochs: Count | None = None
    parameters: Count | None = None
    model_bytes: Count | None = None
    peak_memory_bytes: Count | None = None
    memory: Document = Field(default_factory=dict)
    """Each memory number with its definition: {"allocated": {"bytes": 1, "definition": "..."}}."""
    energy_joules: Annotated[float, Field(ge=0, le=1e15)] | None = None
    energy: Document = Field(default_factory=dict)
    inference_seconds: Seconds | None = None
    node_visits: Count | None = None
    edge_visits: Count | None = None
    schedule: Annotated[list[Document], Field(max_length=10_000)] | None = None
    environment: Document = Field(default_factory=dict)

    @property
    def has_metric(self) -> bool:
        """Whether a trial that ended so has a curve and predictions."""
        return self.status in ("finished", "missed_target")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        figures = (self.validation_metric, self.test_metric, self.selected_epoch)
        if self.has_metric and None in figures:
            raise ValueError("a trial that ended well needs validation_metric, test_metric and selected_epoch")
        if not self.has_metric and (self.reason is None or any(figure is not None for figure in figures)):
            raise ValueError(f"a trial that ended as {self.status} needs a reason and has no metric")
        return self


class PartOfBundle(_Model):
    """One file beside the manifest."""

    sha256: Sha256
    bytes: Count


class Draft(_Model):
    """The manifest as a person writes it; packing adds the list of parts."""

    format: Literal["leangnn-submission"]
    version: Literal[1]
    submitter: Line
    """Who answers questions; it is public."""
    method: Method
    card: Card
    machine: Machine
    sessions: Annotated[list[Session], Field(min_length=1, max_length=100)]
    datasets: Annotated[list[Dataset], Field(min_length=1, max_length=50)]
    protocols: Annotated[dict[Word, Document], Field(min_length=1, max_length=50)]
    """Settings that trials share: optimizer, learning_rate, epochs, evaluate_every and the like. Those left out are
    taken to be LeanGNN's defaults."""
    trials: Annotated[list[Trial], Field(min_length=1, max_length=TRIALS)]

    @property
    def part_names(self) -> list[str]:
        """The files that must stand beside the manifest, sorted."""
        with_files = [trial.id for trial in self.trials if trial.has_metric]
        return sorted(path for name in with_files for path in (curve_path(name), predictions_path(name)))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _no_doubles("session", [session.id for session in self.sessions])
        _no_doubles("dataset", [dataset.name for dataset in self.datasets])
        # file systems that ignore case would put two trials into one file
        _no_doubles("trial", [trial.id.lower() for trial in self.trials])
        key = [(t.reference, t.dataset, t.protocol, t.device, t.split, t.seed, t.repeat) for t in self.trials]
        _no_doubles("combination of dataset, protocol, split, seed and repeat", key)
        _all_known("session", [trial.session for trial in self.trials], [session.id for session in self.sessions])
        _all_known("dataset", [trial.dataset for trial in self.trials], [dataset.name for dataset in self.datasets])
        _all_known("protocol", [trial.protocol for trial in self.trials], self.protocols)
        if all(trial.reference for trial in self.trials):
            raise ValueError("all trials are of the reference; submit trials of the method itself")
        if self.method == self.method.reference and any(trial.reference for trial in self.trials):
            raise ValueError("the method is its own reference, so no trial may be marked as one")
        if self.card.derived_from == self.method.name:
            raise ValueError("the card says that the method is derived from itself")
        return self


class Manifest(Draft):
    """The manifest of a packed bundle."""

    parts: dict[str, PartOfBundle]
    """SHA-256 and size of every other file."""


def curve_path(trial: str) -> str:
    """Where a trial's evaluations are."""
    return f"curves/{trial}.csv"


def predictions_path(trial: str) -> str:
    """Where a trial's predictions are."""
    return f"predictions/{trial}.csv"


def _no_doubles(what: str, values: list[Any]) -> None:
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise ValueError(f"the {what} {twice!r} stands twice; keep one")


def _all_known(what: str, used: list[str], known: Any) -> None:
    if unknown := sorted(set(used) - set(known)):
        raise ValueError(f"a trial names the {what} '{unknown[0]}', which the manifest does not describe")

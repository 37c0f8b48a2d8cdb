"""The protocol of a trial: how long it trains, with which optimizer, how often it is evaluated, when it stops.

Plain Python, because the trial's process must run where little is installed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import UsageError
from methods.spec import nearest

OPTIMIZERS = {
    "adam": "Adam",
    "adamw": "AdamW",
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "nadam": "NAdam",
}


MATMUL_PRECISIONS = ("highest", "high", "medium")
SELECTIONS = ("metric", "balanced_accuracy")


@dataclass(frozen=True)
class Protocol:
    """Settings that rows must share to be compared.

    Attributes:
        optimizer: one of `OPTIMIZERS`, with torch's defaults apart from the next two.
        learning_rate: of the optimizer.
        weight_decay: of the optimizer, on all parameters.
        decay: what the learning rate is multiplied by after every `decay_every` epochs; 1 leaves it. Rates that a
            method sets for parameters of its own (learned ranges of a quantizer) stay.
        decay_every: epochs.
        clip: global norm that gradients are clipped to, or None.
        epochs: budget in epochs, or None.
        seconds: budget in scored seconds, or None. With both budgets the one that is spent first ends the trial.
        evaluate_every: epochs between two evaluations; the last epoch is always evaluated.
        patience: evaluations without a better validation metric after which training stops, or None. Early stopping
            is part of the protocol, so that everybody stops by the same rule.
        select_by: validation quantity that selects the epoch and that patience counts by, one of `SELECTIONS`: the
            dataset's `metric`, or `balanced_accuracy`, the mean recall of the classes, which published code of dynamic
            rescaling selects by under the name of ROC AUC.
        target: validation metric to reach, or None. A trial that does not reach it is `missed_target`.
        dynamics_every: epochs between two samples of the training dynamics (`bench.dynamics`), or None for none. They
            are charged like evaluation. Suites and the command line write 0 for None.
        matmul_precision: of FP32 matrix products, a word of `torch.set_float32_matmul_precision`: `highest` is FP32
            throughout; `high` lets a GPU multiply in TF32, `medium` lets both kinds of device multiply in bfloat16.
        processes: that train the trial together, each on mini-batches of its own (`bench.team`); on GPUs one each.
        threads: CPU threads, those of all processes together; None leaves it to the runner, which fills in its share of
            the cores. Times of different thread counts must not meet in one row, so it is a setting like the others.
        jobs: trials that ran at a time, for the same reason; the runner fills it in.
    """

    optimizer: str = "adam"
    learning_rate: float = 0.01
    weight_decay: float = 0.0
    decay: float = 1.0
    decay_every: int = 50
    clip: float | None = None
    epochs: int | None = 200
    seconds: float | None = None
    evaluate_every: int = 1
    patience: int | None = None
    select_by: str = "metric"
    target: float | None = None
    dynamics_every: int | None = 10
    matmul_precision: str = "highest"
    processes: int = 1
    threads: int | None = None
    jobs: int = 1

    def __post_init__(self) -> None:
        """Check all values.

        Raises:
            UsageError: a value that makes no sense.
        """
        if not isinstance(self.optimizer, str) or self.optimizer not in OPTIMIZERS:
            raise UsageError(f"no optimizer is called '{self.optimizer}'; {nearest(str(self.optimizer), OPTIMIZERS)}")
        for name, known in (("matmul_precision", MATMUL_PRECISIONS), ("select_by", SELECTIONS)):
            if getattr(self, name) not in known:
                raise UsageError(f"{name}={getattr(self, name)!r} is not possible; choose from: {', '.join(known)}")
        if self.epochs is None and self.seconds is None:
            raise UsageError("a protocol needs a budget; give epochs, seconds or both")
        for name, low, whole in _LOWEST:
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if whole and (not isinstance(value, int) or isinstance(value, bool)):
                raise UsageError(f"{name} must be a whole number, not {value!r}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise UsageError(f"{name} must be a number, not {value!r}")
            if value < low or (value == 0 and name in _POSITIVE):
                raise UsageError(f"{name}={value} is not possible; it must be {_bound(name, low)}")
            # 0 and 0.0 are one setting and must have one key
            object.__setattr__(self, name, value if whole else float(value))
        if self.threads is not None and self.threads < self.processes:
            raise UsageError(
                f"threads={self.threads} is not possible with processes={self.processes}; "
                "give at least one thread a process"
            )
        if self.target is not None and self.target > 1:
            raise UsageError(f"target={self.target} is not possible; metrics are fractions, so write 0.9 for 90 %")

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Protocol:
        """Build from a table of settings.

        Raises:
            UsageError: an unknown key or a value that makes no sense.
        """
        known = {item.name for item in dataclasses.fields(cls)}
        for key in settings:
            if key not in known:
                raise UsageError(f"'{key}' is no setting of a protocol; {nearest(key, known)}")
        # a suite that gives only seconds means: no limit on epochs
        if "seconds" in settings and "epochs" not in settings:
            settings = {**settings, "epochs": None}
        # what cannot write None writes 0
        if settings.get("dynamics_every") == 0:
            settings = {**settings, "dynamics_every": None}
        return cls(**settings)

    def settings(self) -> dict[str, Any]:
        """All settings as a plain table; `from_settings` reads it back."""
        return dataclasses.asdict(self)

    def key(self) -> str:
        """Short hash of all settings; rows are compared only within one key."""
        document = json.dumps(self.settings(), sort_keys=True).encode()
        return hashlib.sha256(document).hexdigest()[:12]


_LOWEST: tuple[tuple[str, float, bool], ...] = (
    ("learning_rate", 0, False),
    ("weight_decay", 0, False),
    ("decay", 0, False),
    ("decay_every", 1, True),
    ("clip", 0, False),
    ("epochs", 1, True),
    ("seconds", 0, False),
    ("evaluate_every", 1, True),
    ("patience", 1, True),
    ("dynamics_every", 1, True),
    ("target", 0, False),
    ("processes", 1, True),
    ("threads", 1, True),
    ("jobs", 1, True),
)
_OPTIONAL = {"clip", "epochs", "seconds", "patience", "target", "dynamics_every", "threads"}
_POSITIVE = {"learning_rate", "decay", "clip", "seconds"}


def _bound(name: str, low: float) -> str:
    return "above 0" if name in _POSITIVE else f"at least {low:g}"

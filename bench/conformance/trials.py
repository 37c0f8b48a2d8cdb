"""What watched trials show: the same method in processes of their own, some with wrong labels within reach."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.clock import ACCOUNTS, TOLERANCE
from bench.conformance.check import Check, FailedError, NotApplicableError, checked
from bench.conformance.decoy import Part
from bench.executors.local import Ended
from methods.plugin import Kind

Run = Literal["first", "again", "wrong test labels", "wrong validation labels"]
WRONG: dict[Run, Part | None] = {
    "first": None, "again": None, "wrong test labels": "test", "wrong validation labels": "valid",
}  # fmt: skip
"""The runs, and the part whose labels are wrong in each."""
SLACK_SECONDS = 1.0
"""By how much a process may outlive its ledger, beside the ledger's own tolerance: writing the result, and ending."""


@dataclass(frozen=True)
class Seen:
    """A watched trial as the check saw it.

    Attributes:
        result: the trial's result document.
        predictions: by part; none where the trial did not finish.
        opened: files of datasets that were opened beside the trial's own load, {"file", "by"}.
        seconds: wall time of the process.
        sizes: how many validation and test labels the dataset has.
    """

    result: Mapping[str, Any]
    predictions: Mapping[str, NDArray]
    opened: tuple[Mapping[str, str], ...]
    seconds: float
    sizes: Mapping[Part, int]

    @classmethod
    def of(cls, ended: Ended, sizes: Mapping[Part, int]) -> Seen:
        """Read what a trial left."""
        path, notes = ended.folder / "predictions.npz", ended.folder / "opened"
        predictions = {}
        if ended.result["status"] == "finished":
            with np.load(path, allow_pickle=False) as arrays:
                predictions = {part: arrays[part] for part in ("valid", "test")}
        opened = tuple(json.loads(line) for line in notes.read_text().splitlines()) if notes.exists() else ()
        return cls(ended.result, predictions, opened, ended.seconds, sizes)

    @property
    def finished(self) -> bool:
        return self.result["status"] == "finished"


def judged(kind: Kind, seen: Mapping[Run, Seen], limit: float) -> list[Check]:
    """The checks of watched trials.

    Args:
        seen: the runs that ended in time.
        limit: seconds that a check may take, for the message.
    """
    trials = _Trials(seen, limit)
    checks = {
        "trial": trials.finish,
        "deterministic": trials.repeat,
        "test labels": trials.ignore_test_labels,
        "validation labels": trials.ignore_validation_labels,
        "label files": trials.open_no_dataset,
        "predictions": trials.predict_everything,
        "ledger": trials.close_their_ledgers,
    }
    if kind == "quantizer":
        checks["model bytes"] = trials.count_bytes
    return [checked(name, look) for name, look in checks.items()]


class _Trials:
    def __init__(self, seen: Mapping[Run, Seen], limit: float) -> None:
        self.seen, self.limit = seen, limit

    def finish(self) -> str:
        first = self._ended("first")
        if not first.finished:
            raise FailedError(f"the trial ended as {first.result['status']}: {first.result['reason']}")
        return f"{first.result['epochs']} epochs in a process of its own, {first.seconds:.1f} s with its start"

    def repeat(self) -> str:
        difference = self._difference("first", "again")
        if difference:
            raise FailedError(
                f"two trials of one seed differ ({difference}); draw from problem.generator or torch's own generator, "
                "and let nothing depend on time, on addresses or on the order of sets"
            )
        return "two processes with one seed give the same loss and predictions, bit for bit"

    def ignore_test_labels(self) -> str:
        self._require_determinism()
        difference = self._difference("first", "wrong test labels")
        if difference:
            raise FailedError(
                f"it reads test labels: with other ones in the dataset's files and objects, {difference}; train on "
                "problem.graph.y where problem.graph.train_mask is true, and on nothing else"
            )
        return "with other test labels in files and memory, loss and predictions stay the same, bit for bit"

    def ignore_validation_labels(self) -> str:
        self._require_determinism()
        difference = self._difference("first", "wrong validation labels")
        if difference:
            raise FailedError(
                f"it trains on validation labels: with other ones in the dataset, {difference}; "
                "they are for selecting the epoch, which the trainer does"
            )
        return "with other validation labels, loss and predictions stay the same, bit for bit"

    def open_no_dataset(self) -> str:
        notes = [note for each in self.seen.values() for note in each.opened]
        if notes:
            raise FailedError(
                f"{notes[0]['by']}, opens {Path(notes[0]['file']).name} of a dataset during the trial; "
                "all that a method may know of a dataset is in the problem"
            )
        return "no file of a dataset is opened but by the trial itself"

    def predict_everything(self) -> str:
        first = self._finished("first")
        for part, size in first.sizes.items():
            predictions = first.predictions[part]
            if predictions.shape != (size,) or not np.isfinite(predictions).all():
                raise FailedError(
                    f"there are {predictions.shape[0]} predictions for {size} {part} labels, or some are not finite; "
                    "outputs must be numbers for all nodes of the full graph"
                )
        return f"for all {first.sizes['valid']} validation and {first.sizes['test']} test labels, all finite"

    def close_their_ledgers(self) -> str:
        first = self._finished("first")
        ledger = first.result["ledger"]
        parts, wall = [ledger[name] for name in ACCOUNTS], ledger["wall"]
        if min(parts) < 0 or abs(sum(parts) - wall) > TOLERANCE * wall:
            raise FailedError(
                f"the accounts sum to {sum(parts):.3f} s of {wall:.3f} s; leave the clock of Python alone"
            )
        if abs(first.seconds - wall) > TOLERANCE * wall + SLACK_SECONDS:
            raise FailedError(
                f"the trial says it took {wall:.1f} s, but its process took {first.seconds:.1f} s; "
                "leave the clock of Python alone, and start no work that outlives training"
            )
        return f"the accounts sum to {sum(parts):.3f} s of {wall:.3f} s"

    def count_bytes(self) -> str:
        first = self._finished("first")
        stored, parameters = first.result["model_bytes"], first.result["parameters"]
        facts = first.result["environment"]["quantizer"]
        if not isinstance(facts.get("simulated"), bool):
            raise FailedError("facts() does not say whether it is simulated; add {'simulated': self.simulated}")
        if facts["simulated"] and stored < 4 * parameters:
            raise FailedError(
                f"it claims {stored} bytes for {parameters} parameters and only imitates few bits; "
                "a simulated quantizer claims no memory"
            )
        if 8 * stored < parameters:
            raise FailedError(
                f"{stored} bytes for {parameters} parameters is less than a bit each; count what is stored"
            )
        imitated = "imitated in FP32" if facts["simulated"] else "as stored"
        return f"{stored} bytes for {parameters} parameters, {imitated}"

    def _difference(self, first: Run, second: Run) -> str | None:
        """How two trials differ, in words, or None."""
        one, other = self._finished(first), self._ended(second)
        if not other.finished:
            return f"the trial ends as {other.result['status']}: {other.result['reason']}"
        losses = one.result["curve"][-1]["train_loss"], other.result["curve"][-1]["train_loss"]
        if losses[0] != losses[1]:
            return f"the last loss is {losses[1]:.6g} instead of {losses[0]:.6g}"
        changed = [part for part in one.sizes if one.predictions[part].tobytes() != other.predictions[part].tobytes()]
        return f"predictions for {' and '.join(changed)} labels change" if changed else None

    def _require_determinism(self) -> None:
        if self._difference("first", "again"):
            raise NotApplicableError(
                "two trials of one seed differ, so nothing can be told; make it deterministic first"
            )

    def _finished(self, run: Run) -> Seen:
        ended = self._ended(run)
        if not ended.finished:
            raise NotApplicableError("the trial did not finish; see: trial")
        return ended

    def _ended(self, run: Run) -> Seen:
        if run not in self.seen:
            raise FailedError(f"the trial did not begin within the {self.limit:g} s of a check; make it quicker")
        return self.seen[run]

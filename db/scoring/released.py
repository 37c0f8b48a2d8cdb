"""What released code does differently, as a paired difference over the splits and seeds that both sides have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from db.records import Finding, Status, TrialRecord
from db.scoring.intervals import Interval, geometric_mean_ratio, mean_interval
from db.scoring.published import fits


def _further(name: str) -> Callable[[TrialRecord], float | None]:
    return lambda trial: (trial.further_metrics or {}).get(name)


QUANTITIES: Mapping[str, Callable[[TrialRecord], float | None]] = {
    "test_metric": lambda trial: trial.test_metric,
    "test_balanced_accuracy": _further("test_balanced_accuracy"),
    "scored_seconds": lambda trial: None if trial.ledger is None else trial.ledger.scored,
}
"""What an effect can be measured on. The effect on seconds is a ratio, on the others a difference."""
RATIOS = ("scored_seconds",)


@dataclass(frozen=True)
class Effect:
    """A finding and its measured effect: release minus corrected, or release over corrected for a ratio."""

    finding: Finding
    value: Interval | None = None
    """None where it was not run."""
    n: int = 0
    """Splits and seeds that both sides have on one machine."""
    reason: str = ""
    """Why there is no value."""

    @property
    def is_ratio(self) -> bool:
        """Whether 1, and not 0, means no effect."""
        return self.finding.quantity in RATIOS


def effect(finding: Finding, trials: Iterable[TrialRecord]) -> Effect:
    """The effect of a finding from trials, of which those that fit neither side are left out.

    Where several machines have both sides, the one with the most common splits and seeds counts.
    """
    if finding.quantity is None or finding.corrected is None or finding.release is None:
        return Effect(finding, reason=finding.unmeasured or "nothing of ours measures it")
    known = list(trials)
    sides = [_values(side, finding.quantity, known) for side in (finding.corrected, finding.release)]
    common = {place: sorted(set(sides[0][place]) & set(sides[1].get(place, {}))) for place in sides[0]}
    place = max(common, key=lambda place: len(common[place]), default=None)
    if place is None or not common[place]:
        return Effect(finding, reason="no trials of both sides on one machine")
    corrected, release = ([side[place][cell] for cell in common[place]] for side in sides)
    if finding.quantity in RATIOS:
        value = geometric_mean_ratio(release, corrected)
    else:
        value = mean_interval([after - before for before, after in zip(corrected, release, strict=True)])
    return Effect(finding, value, len(common[place]))


def as_json(effects: Iterable[Effect]) -> list[dict[str, Any]]:
    """Plain dictionaries: the fields of the finding, then those of the effect."""
    plain = []
    for each in effects:
        value, low, high = each.value or (None, None, None)
        plain.append(
            {**asdict(each.finding), "effect": value, "effect_low": low, "effect_high": high, "is_ratio": each.is_ratio,
             "n": each.n, "reason": each.reason}
        )  # fmt: skip
    return plain


Values = dict[tuple[str, str], dict[tuple[int, int], float]]


def _values(side: Mapping[str, Any], quantity: str, trials: Iterable[TrialRecord]) -> Values:
    """The value of each (split, seed), repeats averaged, by device and machine."""
    figure = QUANTITIES[side.get("quantity", quantity)]
    # trials of older code stay in the store, and the newest of each place counts, as on the board
    newest = {
        (trial.device, trial.machine_id, trial.protocol, trial.split, trial.seed, trial.repeat): trial
        for trial in sorted(trials, key=lambda trial: trial.started_at)
        if (trial.dataset, trial.method) == (side["dataset"], side["method"])
        and trial.status is not Status.INTERRUPTED
        and fits(trial.protocol_settings, side["settings"])
    }
    found: dict[tuple[str, str], dict[tuple[int, int], list[float]]] = defaultdict(lambda: defaultdict(list))
    for trial in newest.values():
        value = figure(trial) if trial.status.has_metric else None
        if value is not None:
            found[trial.device, trial.machine_id][trial.split, trial.seed].append(value)
    return {place: {cell: fmean(values) for cell, values in cells.items()} for place, cells in found.items()}

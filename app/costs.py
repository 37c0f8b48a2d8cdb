"""The costs of the board: each as a mean a trial and as a ratio to the paired reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from app import format as words


class Cost(NamedTuple):
    """One cost. Its ratio is the field `<stem>_ratio` of `BoardRow`, with `_low` and `_high`."""

    label: str
    noun: str
    """What it is called in a sentence: `1.9x faster in scored time`."""
    wording: words.Wording
    field: str | None
    """The field of `BoardRow` with the mean a trial; None where there is only the ratio."""
    unit: str
    """In which the mean is drawn."""
    factor: float
    """From the field's unit to the drawn one."""
    say: Callable[[float | None], str]
    """Puts the field into words."""


COSTS: Mapping[str, Cost] = {
    "time": Cost("Scored time", "scored time", words.TIME, "scored_seconds", "seconds", 1.0, words.seconds),
    "target": Cost("Time to target", "time to target", words.TARGET, None, "seconds", 1.0, words.seconds),
    "memory": Cost("Peak memory", "peak memory", words.MEMORY, "peak_memory_bytes", "megabytes", 1e-6, words.size),
    "energy": Cost("Energy", "energy", words.ENERGY, "energy_joules", "joules", 1.0, words.joules),
    "inference": Cost("Inference", "inference", words.TIME, "inference_seconds", "milliseconds", 1e3, words.seconds),
    "size": Cost("Model size", "model size", words.SIZE, "model_bytes", "kilobytes", 1e-3, words.size),
}
"""By the stem of their fields."""

ABSOLUTE: Mapping[str, Cost] = {stem: cost for stem, cost in COSTS.items() if cost.field is not None}
"""Those that a row has in seconds, bytes or joules, and not as a ratio only."""

BY_FIELD: Mapping[str, Cost] = {cost.field: cost for cost in COSTS.values() if cost.field is not None}
"""The same by the field of `BoardRow`."""

"""Where and how rows were measured; seconds and bytes are compared within one place only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.table import machine
from db.records import MachineRecord, TrialFigures
from db.scoring.board import BoardRow


class Place(NamedTuple):
    """What rows of one dataset must share to be compared in seconds and bytes."""

    dataset_version: str
    protocol: str
    device: str
    machine_id: str


def place_of(row: BoardRow | TrialFigures) -> Place:
    """The place of a row or of a trial."""
    return Place(row.dataset_version, row.protocol, row.device, row.machine_id)


def filters_of(row: BoardRow) -> dict[str, str]:
    """The filters of `app.source.trials` that leave what was measured beside a row, of all methods."""
    return {"dataset": row.dataset, **place_of(row)._asdict()}


def places(rows: Iterable[BoardRow], machines: Mapping[str, MachineRecord]) -> dict[Place, str]:
    """All places with a label each, the one with most rows first; labels differ."""
    by_place: dict[Place, list[BoardRow]] = {}
    for row in rows:
        by_place.setdefault(place_of(row), []).append(row)
    ordered = sorted(by_place.items(), key=lambda item: (-len(item[1]), item[0]))
    labels: dict[Place, str] = {}
    for place, own in ordered:
        presets = {row.preset for row in own if row.preset}
        label = f"{place.device} · {machine(own[0], machines)} · {', '.join(sorted(presets)) or place.protocol}"
        taken = label in labels.values()
        labels[place] = f"{label} · {place.protocol} · {place.dataset_version} · {place.machine_id}" if taken else label
    return labels


def main_places(rows: Iterable[BoardRow]) -> list[BoardRow]:
    """The rows of each dataset that were measured where most of its rows were, in their order.

    Ratios to the reference may be compared between places, but a method counts once a dataset.
    """
    rows = list(rows)
    counts = Counter((row.dataset, place_of(row)) for row in rows)
    chosen: dict[str, Place] = {}
    for (dataset, place), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        chosen.setdefault(dataset, place)
    return [row for row in rows if place_of(row) == chosen[row.dataset]]

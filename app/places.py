"""Where and how rows were measured; seconds and bytes are compared within one place only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.table import machine
from db.records import MachineRecord
from db.scoring.board import BoardRow


class Place(NamedTuple):
    """What rows of one dataset must share to be compared in seconds and bytes."""

    dataset_version: str
    protocol: str
    device: str
    machine_id: str


def place_of(row: BoardRow) -> Place:
    """The place of a row."""
    return Place(row.dataset_version, row.protocol, row.device, row.machine_id)


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

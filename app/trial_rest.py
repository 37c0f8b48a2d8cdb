"""What is stored of one trial and has no picture and no place of its own on its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app import format as words
from db.records import TrialRecord

_GROUP = 16


def _metrics(found: Mapping[str, float]) -> str:
    return ", ".join(f"{words.words(name)} {words.percent(value)}" for name, value in sorted(found.items()))


def _count(number: int) -> str:
    return f"{number:,}"


def _digits(hexadecimal: str) -> str:
    """In groups, because a phone can break a line between them only."""
    return " ".join(hexadecimal[start : start + _GROUP] for start in range(0, len(hexadecimal), _GROUP))


ROWS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "validation_metric": ("Validation metric of the selected epoch", words.percent),
    "further_metrics": ("Further metrics", _metrics),
    "epochs": ("Epochs trained", _count),
    "parameters": ("Parameters", _count),
    "model_bytes": ("Size of the model that predicts", words.size),
    "node_visits": ("Nodes visited", _count),
    "edge_visits": ("Adjacency entries visited", _count),
    "repeat": ("Repeat, counted from 0", str),
    "attempt": ("Attempt, counted from 1", str),
    "preset": ("Preset", str),
    "protocol": ("Protocol", str),
    "dataset_version": ("Version of the dataset", str),
    "machine_id": ("Machine", str),
    "session_id": ("Session", str),
    "trial_id": ("Trial", str),
    "fingerprint": ("Fingerprint", _digits),
    "predictions_sha256": ("SHA-256 of the predictions", _digits),
}
"""By field of `TrialRecord`: what it is called, and how it is said."""


def lines(trial: TrialRecord) -> list[dict[str, str]]:
    """One line a field of `ROWS`, ready to be shown as Markdown."""
    return [{"what": label, "stored": _said(getattr(trial, name), say)} for name, (label, say) in ROWS.items()]


def _said(value: Any, say: Callable[[Any], str]) -> str:
    return words.NOTHING if value is None else words.plain(say(value))

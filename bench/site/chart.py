"""The trade-off of one dataset as a picture: metric against time ratio, in the units of an SVG's view box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.cli import output
from db.scoring.board import BoardRow

WIDTH, HEIGHT = 720, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 16, 46
_COLOURS = 8
"""How many the style sheet has; further backbones begin again with the first."""
_TICKS = 5


@dataclass(frozen=True)
class Mark:
    """One row: its place, the ends of its intervals, and what it says when pointed at."""

    x: float
    y: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    colour: int
    pareto: bool
    title: str


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """Geometry of the picture; all coordinates are in the view box 0 0 WIDTH HEIGHT, y downwards."""

    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    legend: tuple[tuple[str, int], ...]
    """Backbone and its colour."""
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def clipped(self, value: float | None, otherwise: float) -> float:
        return self(min(max(value, self.low), self.high)) if value is not None else self(otherwise)


def tradeoff(rows: Sequence[BoardRow]) -> Chart | None:
    """The picture of the rows that have a metric and a time ratio; None when there is none.

    The time ratio is on a logarithmic axis, on which half and double are equally far from 1.
    """
    shown = [
        (row, math.log2(row.time_ratio), row.mean)
        for row in rows
        if row.time_ratio is not None and row.mean is not None
    ]
    if not shown:
        return None
    across = _scale([x for _, x, _ in shown] + [0.0], 0.25, _LEFT, WIDTH - _RIGHT)
    upwards = _scale([y for _, _, y in shown], 0.005, HEIGHT - _BOTTOM, _TOP)
    backbones = list(dict.fromkeys(row.backbone.partition("(")[0] for row, _, _ in shown))
    colours = {backbone: index % _COLOURS for index, backbone in enumerate(backbones)}
    marks = [
        Mark(
            across(x), upwards(y),
            across.clipped(_log(row.time_ratio_low), x), across.clipped(_log(row.time_ratio_high), x),
            upwards.clipped(row.ci_low, y), upwards.clipped(row.ci_high, y),
            colours[row.backbone.partition("(")[0]], row.pareto, _title(row),
        )
        for row, x, y in shown
    ]  # fmt: skip
    return Chart(
        tuple(marks),
        tuple(Tick(across(value), f"{2**value:.3g}") for value in _steps(across)),
        tuple(Tick(upwards(value), output.percent(value)) for value in _steps(upwards)),
        tuple(colours.items()),
    )


def _scale(values: Sequence[float], margin: float, start: float, end: float) -> _Scale:
    low, high = min(values), max(values)
    room = max(margin, 0.08 * (high - low))
    return _Scale(low - room, high + room, start, end)


def _steps(scale: _Scale) -> list[float]:
    return [scale.low + (scale.high - scale.low) * step / (_TICKS - 1) for step in range(_TICKS)]


def _log(ratio: float | None) -> float | None:
    return math.log2(ratio) if ratio else None


def _title(row: BoardRow) -> str:
    return (
        f"{row.method}: {output.interval(row.mean, row.ci_low, row.ci_high)} % {row.metric}, time ratio "
        f"{output.ratio(row.time_ratio, row.time_ratio_low, row.time_ratio_high)}, {row.device}"
    )

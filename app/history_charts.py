"""Pictures and words of what a method cost from session to session."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import altair as alt
import numpy as np
import pandas as pd

from app import format as words
from app.charts import COLOURS, GREY, PLOT
from app.names import short_names
from app.table import machine_words
from db.records import MachineRecord
from db.scoring.board_columns import RANKED_FROM
from db.scoring.history import Point, Series, change_points

WORSE, BETTER = COLOURS[5], COLOURS[0]

_HALF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True)
class Quantity:
    """One quantity of `db.scoring.history`."""

    label: str
    title: str
    """Of the axis."""
    wording: words.Wording | None
    """Of a ratio; None for a difference of metrics."""


QUANTITIES: Mapping[str, Quantity] = {
    "time_ratio": Quantity("Scored time", "scored time / full batch (log)", words.TIME),
    "memory_ratio": Quantity("Peak memory", "peak memory / full batch (log)", words.MEMORY),
    "energy_ratio": Quantity("Energy", "energy / full batch (log)", words.ENERGY),
    "difference": Quantity("Metric", "metric - full batch, points", None),
}


@dataclass(frozen=True)
class Change:
    """A step from one level to the next."""

    at: Point
    """The first session of the new level."""
    index: int
    said: str
    """`1.10x slower`, `-0.42 points`."""
    is_worse: bool


@dataclass(frozen=True)
class Course:
    """A series with its levels."""

    series: Series
    levels: tuple[tuple[int, int, float], ...]
    """Index of the first point, one past the last, and the mean: geometric for ratios."""
    changes: tuple[Change, ...]


def course(series: Series) -> Course:
    """Find the levels of a series."""
    starts = [0, *change_points(series), len(series.points)]
    levels = tuple(
        (start, stop, _level([point.value for point in series.points[start:stop]], series.quantity))
        for start, stop in pairwise(starts)
    )
    changes = tuple(_change(series, start, before, after) for (_, _, before), (start, _, after) in pairwise(levels))
    return Course(series, levels, changes)


def newest_first(courses: Sequence[Course]) -> list[Course]:
    """Those with the newest change first, then those without any by method."""
    changed = sorted((each for each in courses if each.changes), key=lambda each: each.changes[-1].at.at, reverse=True)
    return [*changed, *(each for each in courses if not each.changes)]


def overview_frame(courses: Sequence[Course], machines: Mapping[str, MachineRecord]) -> pd.DataFrame:
    """One line a series: how long it is, where it stands, and what changed last."""
    names, lines = short_names(each.series.method for each in courses), []
    for each in courses:
        series, last = each.series, each.series.points[-1]
        change = each.changes[-1] if each.changes else None
        lines.append(
            {
                "name": names[series.method],
                "change": words.NOTHING if change is None else change.said,
                "worse": None if change is None else change.is_worse,
                "since": None if change is None else change.at.at,
                "commit": words.NOTHING if change is None else change.at.code_version,
                "now": said(last.value, series.quantity),
                "sessions": len(series.points),
                "last": last.at,
                "machine": machine_words(series.machine_id, series.device, machines),
                "protocol": series.protocol,
                "method": series.method,
            }
        )
    return pd.DataFrame(lines)


def points_frame(found: Course, links: Mapping[str, str]) -> pd.DataFrame:
    """One line a session, oldest first.

    Args:
        links: the address of a trial of the series, by session.
    """
    series = found.series
    changes = {change.index: change for change in found.changes}
    lines = [
        {
            "at": point.at,
            "value": _drawn(point.value, series.quantity),
            "low": None if point.low is None else _drawn(point.low, series.quantity),
            "high": None if point.high is None else _drawn(point.high, series.quantity),
            "said": said(point.value, series.quantity),
            "interval": _interval(point, series.quantity),
            "n": point.n,
            "provisional": point.n < RANKED_FROM,
            "session": point.session_id,
            "commit": point.code_version,
            "change": changes[index].said if index in changes else "",
            "worse": index in changes and changes[index].is_worse,
            "trial": links.get(point.session_id),
        }
        for index, point in enumerate(series.points)
    ]
    return pd.DataFrame(lines).astype({"low": float, "high": float})


def levels_frame(found: Course) -> pd.DataFrame:
    """One line a level, from its first session to the first of the next."""
    points = found.series.points
    lines = [
        {
            "start": points[start].at,
            "end": points[min(stop, len(points) - 1)].at,
            "level": _drawn(level, found.series.quantity),
        }
        for start, stop, level in found.levels
    ]
    return pd.DataFrame(lines, columns=["start", "end", "level"])


def history_chart(points: pd.DataFrame, levels: pd.DataFrame, quantity: str) -> alt.LayerChart | alt.FacetChart:
    """Sessions as points with their intervals, levels as lines, changes as marked rules.

    Args:
        points: from `points_frame`.
        levels: from `levels_frame`.
        quantity: one of `QUANTITIES`.
    """
    is_ratio = QUANTITIES[quantity].wording is not None
    scale = alt.Scale(type="log", nice=False, padding=16) if is_ratio else alt.Scale(zero=False, padding=16)
    up = alt.Y("value:Q", title=QUANTITIES[quantity].title, scale=scale, axis=alt.Axis(tickCount=6, format="~g"))
    across = alt.X("at:T", title="date of the session, UTC", scale=alt.Scale(type="utc", domain=_days(points)))
    colour = alt.condition("datum.worse", alt.value(WORSE), alt.value(BETTER))
    base = alt.Chart(points).encode(x=across)
    dot = base.mark_point(size=60, strokeWidth=2, color=GREY, fill=GREY).encode(
        y=up, fillOpacity=alt.condition("datum.provisional", alt.value(0.1), alt.value(0.9)), tooltip=_TOOLTIP
    )
    spread = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=1.5, opacity=0.55, color=GREY)
    spread = spread.encode(y=alt.Y("low:Q", scale=scale), y2="high:Q", tooltip=_TOOLTIP)
    changed = base.transform_filter("datum.change != ''")
    rule = changed.mark_rule(strokeDash=[4, 3], strokeWidth=1.5).encode(color=colour, tooltip=_TOOLTIP)
    mark = changed.mark_point(shape="diamond", size=150, filled=True, opacity=1).encode(
        y=up, color=colour, tooltip=_TOOLTIP
    )
    text = changed.mark_text(align="left", dx=6, dy=-6, fontSize=12).encode(
        y=alt.value(14), text="change:N", color=colour
    )
    level = alt.Chart(levels).mark_rule(color=COLOURS[0], strokeWidth=2, opacity=0.7)
    level = level.encode(x=alt.X("start:T", scale=alt.Scale(type="utc")), x2="end:T", y=alt.Y("level:Q"))
    same = alt.Chart(pd.DataFrame({"value": [1.0 if is_ratio else 0.0]})).mark_rule(color=GREY, strokeDash=[2, 3])
    return alt.layer(same.encode(y="value:Q"), rule, level, spread, dot, mark, text).properties(
        height=220, autosize=PLOT
    )


def said(value: float, quantity: str) -> str:
    """A value in words: `0.53, 1.9x faster`, `+0.42 points`."""
    wording = QUANTITIES[quantity].wording
    return words.points(value) if wording is None else f"{value:.3g}, {words.ratio_words(value, wording)}"


_TOOLTIP = [
    alt.Tooltip("at:T", title="session began", format="%Y-%m-%d %H:%M", formatType="utc"),
    alt.Tooltip("said:N", title="value"),
    alt.Tooltip("interval:N", title="95 % interval"),
    alt.Tooltip("n:Q", title="splits and seeds"),
    alt.Tooltip("change:N"),
    alt.Tooltip("session:N"),
    alt.Tooltip("commit:N"),
]


def _days(points: pd.DataFrame) -> list[alt.DateTime]:
    """The ends of the axis, half a day or more outside of the sessions, so that a single one has a date too."""
    first, last = points["at"].min(), points["at"].max()
    room = max(_HALF_A_DAY, 0.03 * (last - first))
    return [
        alt.DateTime(year=end.year, month=end.month, date=end.day, hours=end.hour, minutes=end.minute, utc=True)
        for end in (first - room, last + room)
    ]


def _interval(point: Point, quantity: str) -> str:
    if point.low is None or point.high is None:
        return words.NOTHING
    if quantity == "difference":
        return f"{100 * point.low:+.2f} to {100 * point.high:+.2f}"
    return f"{point.low:.3g} to {point.high:.3g}"


def _level(values: Sequence[float], quantity: str) -> float:
    return float(np.mean(values)) if quantity == "difference" else math.exp(float(np.mean(np.log(values))))


def _change(series: Series, index: int, before: float, after: float) -> Change:
    wording = QUANTITIES[series.quantity].wording
    if wording is None:
        return Change(series.points[index], index, words.points(after - before), after < before)
    ratio = after / before
    told = words.ratio_words(ratio, wording)
    if told == words.SAME:
        # a level of memory can move by less than a hundredth and still be another level
        told = f"{100 * abs(ratio - 1):.2g} % {wording.below if ratio < 1 else wording.above}"
    return Change(series.points[index], index, told, after > before)


def _drawn(value: float, quantity: str) -> float:
    return 100 * value if quantity == "difference" else value

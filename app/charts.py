"""Pictures of the board. Pure functions from rows to Altair charts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from app import format as words
from app.state import value
from db.scoring.board import BoardRow
from db.scoring.pareto import pareto_front

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C")
"""The palette of Okabe and Ito without yellow and black, which vanish on a light or on a dark background."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
# seven colours and eight shapes repeat together only after 56 names, so that neither has to be told apart alone

GREY = "#8C8C8C"


class Axis(NamedTuple):
    """One cost that the metric can be set against."""

    label: str
    title: str
    say: Callable[[float | None], str]
    is_ratio: bool


def _faster(ratio: float | None) -> str:
    return words.ratio_words(ratio, words.TIME)


def _lighter(ratio: float | None) -> str:
    return words.ratio_words(ratio, words.MEMORY)


AXES: Mapping[str, Axis] = {
    "time_ratio": Axis("Time ratio", "scored time / full batch", _faster, True),
    "scored_seconds": Axis("Seconds", "scored time in seconds", words.seconds, False),
    "memory_ratio": Axis(
        "Memory ratio",
        "peak memory / full batch",
        lambda ratio: words.ratio_words(ratio, words.MEMORY),
        True,
    ),
    "peak_memory_bytes": Axis("Memory", "peak memory in megabytes", words.size, False),
}
"""The costs by their fields in `BoardRow`."""

# bytes are drawn in megabytes
_SCALE = {"peak_memory_bytes": 1e-6}


def coloured_part(rows: Sequence[BoardRow]) -> str:
    """What colours tell apart: the strategy, or the backbone where all rows have one strategy."""
    return "strategy" if len({value(row, "strategy") for row in rows}) > 1 else "backbone"


def short(method: str) -> str:
    """A method's name without parameters and without `full_batch`, for a label; hovering shows the whole name."""
    return re.sub(r"\([^()]*\)", "", method).replace("+full_batch", "")


def pareto_frame(rows: Sequence[BoardRow], axis: str, commands: Mapping[str, str]) -> pd.DataFrame:
    """One line a row that has the metric and the cost `axis`, cheapest first, with `front` as seen in this picture.

    `commands` are by method. Metrics are in percent.
    """
    drawn = [row for row in rows if row.mean is not None and (getattr(row, axis) or 0) > 0]
    points = np.array([[row.mean, getattr(row, axis)] for row in drawn], dtype=np.float64).reshape(-1, 2)
    front = pareto_front(points, (True, False))
    part, scale = coloured_part(rows), _SCALE.get(axis, 1.0)
    lines = [
        {
            "method": row.method,
            "label": short(row.method),
            "part": value(row, part),
            "cost": scale * getattr(row, axis),
            "cost_low": _times(scale, getattr(row, f"{axis}_low", None)),
            "cost_high": _times(scale, getattr(row, f"{axis}_high", None)),
            "score": 100 * row.mean,
            "score_low": _times(100, row.ci_low),
            "score_high": _times(100, row.ci_high),
            "front": bool(on_front),
            "status": row.status,
            "said_score": words.percent_interval(row.mean, row.ci_low, row.ci_high),
            "said_cost": AXES[axis].say(getattr(row, axis)),
            "command": commands.get(row.method, ""),
        }
        for row, on_front in zip(drawn, front, strict=True)
        if row.mean is not None
    ]
    return pd.DataFrame(lines, columns=_COLUMNS).sort_values(["cost", "method"], ignore_index=True)


def pareto_chart(frame: pd.DataFrame, axis: str, metric: str, parts: Sequence[str]) -> alt.LayerChart | alt.FacetChart:
    """Metric against cost on a logarithmic axis: intervals, points and the front.

    Args:
        frame: from `pareto_frame`.
        axis: one of `AXES`.
        metric: name of the metric.
        parts: all names that a colour can stand for, so that a filter never changes a colour.
    """
    across = alt.X(
        "cost:Q",
        title=f"{AXES[axis].title} (log; left is cheaper)",
        scale=alt.Scale(type="log", nice=False, domain=_domain(frame)),
        axis=alt.Axis(tickCount=6, labelExpr=_LABEL + (" + 'x'" if AXES[axis].is_ratio else ""), grid=False),
    )
    up = alt.Y(
        "score:Q", title=f"test {metric}, %", scale=alt.Scale(zero=False, padding=18), axis=alt.Axis(tickCount=6)
    )
    base = alt.Chart(frame).encode(across, up, tooltip=_tooltip(axis))
    layers = [] if not AXES[axis].is_ratio else [_reference_line()]
    layers += [_front(base), *_intervals(base), _points(base, parts, sorted(set(frame["part"]))), _labels(base)]
    return alt.layer(*layers).properties(height=420)


_COLUMNS = [
    "method", "label", "part", "cost", "cost_low", "cost_high", "score", "score_low", "score_high", "front", "status",
    "said_score", "said_cost", "command",
]  # fmt: skip
_LABEL = "format(datum.value, datum.value < 1000 ? '.3~g' : ',.0f')"


def _front(base: alt.Chart) -> alt.Chart:
    # a step, because between two methods nothing was measured
    line = base.transform_filter("datum.front").mark_line(interpolate="step-after", strokeWidth=2, opacity=0.6)
    return line.encode(color=alt.value(GREY), tooltip=alt.value(None), order=alt.Order("cost:Q"))


def _intervals(base: alt.Chart) -> list[alt.Chart]:
    upright = base.transform_filter("isValid(datum.score_low)").mark_rule(strokeWidth=1.5, opacity=0.55, color=GREY)
    level = base.transform_filter("isValid(datum.cost_low)").mark_rule(strokeWidth=1.5, opacity=0.55, color=GREY)
    return [
        upright.encode(y=alt.Y("score_low:Q"), y2="score_high:Q"),
        level.encode(x=alt.X("cost_low:Q"), x2="cost_high:Q"),
    ]


def _points(base: alt.Chart, parts: Sequence[str], present: Sequence[str]) -> alt.Chart:
    colours = [COLOURS[index % len(COLOURS)] for index in range(len(parts))]
    shapes = [SHAPES[index % len(SHAPES)] for index in range(len(parts))]
    legend = alt.Legend(title=None, orient="top", columns=3, symbolSize=80, rowPadding=0, values=list(present))
    part, colour = "part:N", alt.Scale(domain=list(parts), range=colours)
    return base.mark_point(size=140, strokeWidth=2, opacity=1).encode(
        stroke=alt.Stroke(part, legend=legend, scale=colour),
        fill=alt.Fill(part, legend=legend, scale=colour),
        shape=alt.Shape(part, legend=legend, scale=alt.Scale(domain=list(parts), range=shapes)),
        fillOpacity=alt.condition("datum.status == 'ranked'", alt.value(0.9), alt.value(0.12)),
    )


def _tooltip(axis: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("method:N", title="method"),
        alt.Tooltip("said_score:N", title="score"),
        alt.Tooltip("said_cost:N", title=AXES[axis].label.lower()),
        alt.Tooltip("status:N", title="status"),
        alt.Tooltip("command:N", title="repeat with"),
    ]


def _labels(base: alt.Chart) -> alt.Chart:
    text = base.transform_filter("datum.front").mark_text(align="left", dx=10, dy=-9, fontSize=12, limit=220)
    return text.encode(text="label:N", color=alt.value(GREY))


def _reference_line() -> alt.Chart:
    rule = alt.Chart(pd.DataFrame({"cost": [1.0]})).mark_rule(strokeDash=[5, 4], color=GREY)
    return rule.encode(x="cost:Q", tooltip=alt.value(None))


def _domain(frame: pd.DataFrame) -> list[float]:
    ends = pd.concat([frame["cost"], frame["cost_low"], frame["cost_high"]]).astype(float).dropna()
    low, high = (ends.min(), ends.max()) if len(ends) else (1.0, 1.0)
    # the reference at 1 and names to the right of their points stay in sight
    room = max((high / low) ** 0.08, 1.12)
    return [float(low / room), float(high * room**2.2)]


def _times(factor: float, number: Any) -> float | None:
    return None if number is None else factor * number

"""Pictures of the board. Pure functions from rows to Altair charts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from app import format as words
from app.costs import COSTS
from app.state import value
from db.scoring.board import BoardRow
from db.scoring.intervals import Interval
from db.scoring.pareto import pareto_front

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C")
"""The palette of Okabe and Ito without yellow and black, which vanish on a light or on a dark background."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
# seven colours and eight shapes repeat together only after 56 names, so that neither has to be told apart alone

GREY = "#8C8C8C"

PLOT = alt.AutoSizeParams(type="fit-x", contains="padding")
"""For every chart with a height: it is that of the plot. Streamlit's own choice takes axes and legend off it, so that
under a long legend nothing is left to see."""


class Axis(NamedTuple):
    """One cost that the metric can be set against, in its unit or as a ratio."""

    stem: str
    """One of `COSTS`."""
    is_ratio: bool

    @property
    def field(self) -> str:
        """The field of `BoardRow`."""
        field = f"{self.stem}_ratio" if self.is_ratio else COSTS[self.stem].field
        assert field is not None, f"{self.stem} is known as a ratio only"
        return field

    @property
    def title(self) -> str:
        """With the unit."""
        cost = COSTS[self.stem]
        return f"{cost.noun} / full batch" if self.is_ratio else f"{cost.noun} in {cost.unit}"

    @property
    def factor(self) -> float:
        """From the field to what is drawn."""
        return 1.0 if self.is_ratio else COSTS[self.stem].factor

    def say(self, figure: float | None) -> str:
        """The field in words."""
        cost = COSTS[self.stem]
        return words.ratio_words(figure, cost.wording) if self.is_ratio else cost.say(figure)


def coloured_part(rows: Sequence[BoardRow]) -> str:
    """What colours tell apart: the strategy, or the backbone where all rows have one strategy."""
    return "strategy" if len({value(row, "strategy") for row in rows}) > 1 else "backbone"


def short(method: str) -> str:
    """A method's name without parameters and without `full_batch`, for a label; hovering shows the whole name."""
    return re.sub(r"\([^()]*\)", "", method).replace("+full_batch", "")


def pareto_frame(
    rows: Sequence[BoardRow], axis: Axis, commands: Mapping[str, str], spreads: Mapping[str, Interval] | None = None
) -> pd.DataFrame:
    """One line a row that has the metric and the cost of `axis`, cheapest first, with `front` as seen in this picture.

    Metrics are in percent.

    Args:
        commands: by method.
        spreads: intervals of the cost by method, where the axis is not a ratio; rows have those of ratios.
    """
    drawn = [row for row in rows if row.mean is not None and (getattr(row, axis.field) or 0) > 0]
    points = np.array([[row.mean, getattr(row, axis.field)] for row in drawn], dtype=np.float64).reshape(-1, 2)
    front = pareto_front(points, (True, False))
    part = coloured_part(rows)
    lines = [
        {
            "method": row.method,
            "label": short(row.method),
            "part": value(row, part),
            **_cost_of(row, axis, spreads or {}),
            "score": 100 * row.mean,
            "score_low": _times(100, row.ci_low),
            "score_high": _times(100, row.ci_high),
            "front": bool(on_front),
            "status": row.status,
            "n": row.n,
            "said_score": words.percent_interval(row.mean, row.ci_low, row.ci_high),
            "command": commands.get(row.method, ""),
        }
        for row, on_front in zip(drawn, front, strict=True)
        if row.mean is not None
    ]
    return pd.DataFrame(lines, columns=_COLUMNS).sort_values(["cost", "method"], ignore_index=True)


def pareto_chart(
    frame: pd.DataFrame, axis: Axis, metric: str, parts: Sequence[str], height: int = 320
) -> alt.LayerChart | alt.FacetChart:
    """Metric against cost on a logarithmic axis: intervals, points and the front.

    Args:
        frame: from `pareto_frame`.
        axis: that of the frame.
        metric: name of the metric.
        parts: all names that a colour can stand for, so that a filter never changes a colour.
        height: of the plot, in pixels.
    """
    domain = _domain(frame)
    label = _LABEL + (" + 'x'" if axis.is_ratio else "")
    across = alt.X(
        "cost:Q",
        title=f"{axis.title} (log; left is cheaper)",
        scale=alt.Scale(type="log", nice=False, domain=domain),
        axis=alt.Axis(tickCount=6, values=_ticks(*domain), labelExpr=label, grid=False),
    )
    up = alt.Y(
        "score:Q", title=f"test {metric}, %", scale=alt.Scale(zero=False, padding=18), axis=alt.Axis(tickCount=6)
    )
    base = alt.Chart(frame).encode(across, up, tooltip=_tooltip(axis))
    layers = [] if not axis.is_ratio else [_reference_line()]
    layers += [_front(base), *_intervals(base), _points(base, parts, sorted(set(frame["part"]))), _labels(base)]
    return alt.layer(*layers).properties(height=height, autosize=PLOT)


_COLUMNS = [
    "method", "label", "part", "cost", "cost_low", "cost_high", "said_cost", "score", "score_low", "score_high",
    "front", "status", "n", "said_score", "command",
]  # fmt: skip
_NARROW, _BROAD = 2, 20
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
    # two columns of this width are what a phone has room for
    legend = alt.Legend(
        title=None, orient="top", columns=2, labelLimit=130, symbolSize=80, rowPadding=0, values=list(present)
    )
    part, colour = "part:N", alt.Scale(domain=list(parts), range=colours)
    return base.mark_point(size=140, strokeWidth=2, opacity=1).encode(
        stroke=alt.Stroke(part, legend=legend, scale=colour),
        fill=alt.Fill(part, legend=legend, scale=colour),
        shape=alt.Shape(part, legend=legend, scale=alt.Scale(domain=list(parts), range=shapes)),
        fillOpacity=alt.condition("datum.status == 'ranked'", alt.value(0.9), alt.value(0.12)),
    )


def _tooltip(axis: Axis) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("method:N", title="method"),
        alt.Tooltip("said_score:N", title="score"),
        alt.Tooltip("said_cost:N", title=COSTS[axis.stem].noun),
        alt.Tooltip("n:Q", title="n"),
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


def _ticks(low: float, high: float) -> Any:
    """Round numbers with 1 among them; the chart's own choice where these would be too few."""
    if high / low < _NARROW:
        return alt.Undefined
    steps = (1, 2, 5) if high / low > _BROAD else (1, 1.5, 2, 3, 5, 7)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for decade in decades for step in steps if low <= (tick := step * 10.0**decade) <= high]


def _cost_of(row: BoardRow, axis: Axis, spreads: Mapping[str, Interval]) -> dict[str, Any]:
    figure = getattr(row, axis.field)
    if axis.is_ratio:
        low, high = getattr(row, f"{axis.field}_low"), getattr(row, f"{axis.field}_high")
    else:
        _, low, high = spreads.get(row.method, (None, None, None))
    if low is not None and low <= 0:
        # a logarithmic axis has no place for such an end, and half an interval would look surer than it is
        low = high = None
    return {
        "cost": axis.factor * figure,
        "cost_low": _times(axis.factor, low),
        "cost_high": _times(axis.factor, high),
        "said_cost": axis.say(figure) + _ends_in_words(axis, low, high),
    }


def _ends_in_words(axis: Axis, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    if axis.is_ratio:
        return f", ratio {low:.2f} to {high:.2f}"
    return f" ({axis.say(low)} to {axis.say(high)})"


def _times(factor: float, number: Any) -> float | None:
    return None if number is None else factor * number

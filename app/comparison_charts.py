"""Pictures of a few methods over datasets: intervals, performance profiles, mean ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app import format as words
from app.charts import COLOURS, GREY, PLOT
from app.costs import ABSOLUTE, COSTS
from app.names import legend_labels
from app.table import ends
from db.scoring.board import BoardRow
from db.scoring.critical_difference import CriticalDifference
from db.scoring.performance_profile import Profile, profile_score

METRIC = "test metric"
"""What the methods are compared by when it is no cost."""

DIFFERENCE = "difference"
"""The figure of `interval_frame` that is no ratio."""

Picture = alt.LayerChart | alt.FacetChart


def figure_table(rows: Sequence[BoardRow], methods: Sequence[str], by: str) -> tuple[list[str], NDArray[np.float64]]:
    """Datasets, and figures (methods, datasets) as `db.scoring.table` wants them: failed is infinite, missing is NaN.

    Args:
        rows: of one place a dataset.
        by: `METRIC`, or a stem of `ABSOLUTE`.
    """
    datasets = sorted({row.dataset for row in rows})
    figures = np.full((len(methods), len(datasets)), np.nan)
    field = "mean" if by == METRIC else ABSOLUTE[by].field or ""
    for row in rows:
        if row.method in methods:
            figure = math.inf if row.status == "failed" else getattr(row, field)
            # a cost of nothing was not measured finely enough to have a ratio
            known = figure is not None and (by == METRIC or figure > 0)
            figures[methods.index(row.method), datasets.index(row.dataset)] = figure if known else math.nan
    return datasets, figures


def interval_frame(rows: Sequence[BoardRow], figure: str) -> pd.DataFrame:
    """One line a row that has the figure, `DIFFERENCE` (in percentage points) or a stem of `COSTS` (a ratio)."""
    name = figure if figure == DIFFERENCE else f"{figure}_ratio"
    lines = []
    for row in rows:
        value, low, high = ends(row, name)
        if value is None:
            continue
        if figure == DIFFERENCE:
            said = words.points(value, low, high)
            value, low, high = (None if end is None else 100 * end for end in (value, low, high))
        else:
            said = words.times_interval(value, low, high, COSTS[figure].wording)
        lines.append({"dataset": row.dataset, "method": row.method, "value": value, "low": low, "high": high,
                      "said": said, "n": row.paired})  # fmt: skip
    return pd.DataFrame(lines, columns=["dataset", "method", "value", "low", "high", "said", "n"])


def interval_chart(frame: pd.DataFrame, figure: str, methods: Sequence[str], beside: str) -> Picture:
    """Points with intervals, one line a dataset and method; the dashed line is the method they are held against."""
    if figure == DIFFERENCE:
        scale, zero, label = alt.Scale(zero=True), 0.0, "format(datum.value, '+.2~f')"
        title = f"percentage points more than {beside}"
    else:
        scale, zero, label = alt.Scale(type="log", nice=False, padding=12), 1.0, "format(datum.value, '.3~g') + 'x'"
        title = f"{COSTS[figure].noun} / that of {beside} (log; left is cheaper)"
    across = alt.X("value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6, labelExpr=label))
    base = alt.Chart(frame).encode(
        x=across,
        y=alt.Y("dataset:N", title=None),
        yOffset=alt.YOffset("method:N", sort=list(methods)),
        color=method_colour(methods),
        tooltip=["method:N", "dataset:N", alt.Tooltip("said:N", title=figure), alt.Tooltip("n:Q")],
    )
    rules = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2.5, opacity=0.6)
    none = alt.Chart(pd.DataFrame({"value": [zero]})).mark_rule(strokeDash=[5, 4], color=GREY)
    layers = [
        none.encode(x="value:Q", tooltip=alt.value(None)),
        rules.encode(x=alt.X("low:Q", title=title), x2="high:Q"),
        base.mark_point(filled=True, size=70, opacity=1),
    ]
    lines = max(1, frame["dataset"].nunique()) * (16 * max(1, frame["method"].nunique()) + 14)
    return alt.layer(*layers).properties(height=lines, autosize=PLOT)


def profile_frame(methods: Sequence[str], profiles: Sequence[Profile]) -> pd.DataFrame:
    """One line a step of each curve, shares in percent."""
    lines = [
        {"method": method, "factor": factor, "share": 100 * share, "score": round(profile_score(profile), 4)}
        for method, profile in zip(methods, profiles, strict=True)
        for factor, share in zip(profile.factor.tolist(), profile.share.tolist(), strict=True)
    ]
    return pd.DataFrame(lines, columns=["method", "factor", "share", "score"])


def profile_chart(frame: pd.DataFrame, noun: str, methods: Sequence[str]) -> alt.Chart:
    """Share of the datasets within a factor of the cheapest method, as steps."""
    return (
        alt.Chart(frame)
        .mark_line(interpolate="step-after", strokeWidth=2.5)
        .encode(
            x=alt.X(
                "factor:Q",
                title=f"{noun} within this factor of the cheapest (log)",
                scale=alt.Scale(type="log", nice=False),
                axis=alt.Axis(tickCount=6, labelExpr="format(datum.value, '.3~g') + 'x'"),
            ),
            y=alt.Y("share:Q", title="share of the datasets, %", scale=alt.Scale(domain=[0, 100])),
            color=method_colour(methods),
            strokeDash=method_dash(methods),
            tooltip=[
                "method:N",
                alt.Tooltip("factor:Q", format=".3~g"),
                alt.Tooltip("share:Q", format=".0f", title="share, %"),
                alt.Tooltip("score:Q", format=".2f", title="score up to 4x"),
            ],
        )
        .properties(height=220, autosize=PLOT)
    )


def rank_frame(methods: Sequence[str], found: CriticalDifference) -> pd.DataFrame:
    """One line a point of the diagram: each method at its mean rank, and again in each group it cannot be told from."""
    ranks = dict(zip(methods, found.average_ranks.tolist(), strict=True))
    order = sorted(methods, key=lambda method: ranks[method])
    lines = [{"line": method, "method": method, "rank": ranks[method], "group": False} for method in order]
    for number, clique in enumerate(found.cliques, start=1):
        name = f"not told apart ({number})"
        lines += [
            {"line": name, "method": methods[member], "rank": ranks[methods[member]], "group": True}
            for member in clique
        ]
    return pd.DataFrame(lines, columns=["line", "method", "rank", "group"])


def rank_chart(frame: pd.DataFrame, methods: Sequence[str]) -> Picture:
    """The diagram of Demsar 2006, a line for each method; below, a bar joins those that cannot be told apart.

    Only the methods marked on a bar belong to it.
    """
    base = alt.Chart(frame).encode(y=alt.Y("line:N", title=None, sort=list(dict.fromkeys(frame["line"]))))
    across = alt.X(
        "rank:Q",
        title="mean rank over the datasets (1 is the best)",
        scale=alt.Scale(domain=[1, max(2, len(methods))], nice=False, padding=10),
        axis=alt.Axis(tickMinStep=1),
    )
    bars = base.transform_filter("datum.group").mark_line(strokeWidth=5, opacity=0.45, color=GREY)
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=across,
        color=alt.Color("method:N", scale=_scale(methods), legend=None),
        tooltip=["method:N", alt.Tooltip("rank:Q", format=".2f", title="mean rank")],
    )
    return alt.layer(bars.encode(x=across, detail="line:N"), points).properties(
        height=28 * frame["line"].nunique(), autosize=PLOT
    )


def method_colour(methods: Sequence[str]) -> alt.Color:
    """One colour a method, whichever of them a picture shows."""
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=1,
        labelLimit=300,
        labelExpr=legend_labels(methods),
        symbolSize=90,
        symbolOpacity=1,
    )
    return alt.Color("method:N", scale=_scale(methods), legend=legend)


def method_dash(methods: Sequence[str]) -> alt.StrokeDash:
    """One dash pattern a method, so that lines are told apart without colour."""
    patterns = [_DASHES[index % len(_DASHES)] for index in range(len(methods))]
    return alt.StrokeDash("method:N", scale=alt.Scale(domain=list(methods), range=patterns), legend=None)


_DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2])


def _scale(methods: Sequence[str]) -> alt.Scale:
    return alt.Scale(domain=list(methods), range=[COLOURS[index % len(COLOURS)] for index in range(len(methods))])

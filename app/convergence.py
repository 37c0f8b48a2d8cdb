"""How methods converge: the validation metric of many seeds as one line with a band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.charts import PLOT
from app.comparison_charts import method_colour, method_dash
from db.scoring.curve import Curve

ACROSS: Mapping[str, str] = {
    "epochs": "epoch",
    "scored seconds": "scored_seconds",
    "nodes visited": "node_visits",
    "entries visited": "edge_visits",
}
"""What curves are drawn against, by its words in the URL: fields of `Curve`."""

_POINTS = 200
_LOW, _HIGH = 25, 75
_COLUMNS = ["method", "across", "middle", "low", "high", "trials"]


def convergence_frame(curves: Mapping[str, Sequence[Curve]], across: str) -> pd.DataFrame:
    """Median and quartiles, in percent, of the validation metric over the trials of each method.

    Each curve is a step: between two evaluations, and after its last, a trial has the metric that was seen last. The
    line begins where every trial has been evaluated once and ends where the last trial ended.

    Args:
        curves: by method.
        across: a field of `Curve`.
    """
    frames = [_one(method, own, across) for method, own in curves.items()]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_COLUMNS)


def convergence_chart(
    frame: pd.DataFrame, title: str, metric: str, methods: Sequence[str]
) -> alt.LayerChart | alt.FacetChart:
    """Medians as lines over bands from the lower to the upper quartile; see `convergence_frame`."""
    base = alt.Chart(frame).encode(
        x=alt.X("across:Q", title=title, scale=alt.Scale(nice=False)),
        color=method_colour(methods),
    )
    up = alt.Y("middle:Q", title=f"validation {metric}, %", scale=alt.Scale(zero=False))
    band = base.mark_area(opacity=0.18, interpolate="step-after").encode(
        y=alt.Y("low:Q", title=f"validation {metric}, %"), y2="high:Q", tooltip=alt.value(None)
    )
    line = base.mark_line(strokeWidth=2.5, interpolate="step-after").encode(
        y=up,
        strokeDash=method_dash(methods),
        tooltip=[
            "method:N",
            alt.Tooltip("across:Q", title=title, format=".4~g"),
            alt.Tooltip("middle:Q", title="median, %", format=".2f"),
            alt.Tooltip("low:Q", title="lower quartile, %", format=".2f"),
            alt.Tooltip("high:Q", title="upper quartile, %", format=".2f"),
            "trials:Q",
        ],
    )
    return alt.layer(band, line).properties(height=240, autosize=PLOT)


def _one(method: str, curves: Sequence[Curve], across: str) -> pd.DataFrame:
    # an evaluation that was not finite says nothing
    steps = [_steps(curve, across) for curve in curves]
    steps = [(at, metric) for at, metric in steps if len(at)]
    if not steps:
        return pd.DataFrame(columns=_COLUMNS)
    grid = _grid(steps)
    seen = np.array([metric[np.searchsorted(at, grid, side="right") - 1] for at, metric in steps])
    low, middle, high = 100 * np.percentile(seen, [_LOW, 50, _HIGH], axis=0)
    return pd.DataFrame(
        {"method": method, "across": grid, "middle": middle, "low": low, "high": high, "trials": len(steps)}
    )


def _steps(curve: Curve, across: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    finite = np.isfinite(curve.validation_metric)
    return np.asarray(getattr(curve, across), dtype=np.float64)[finite], curve.validation_metric[finite]


def _grid(steps: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> NDArray[np.float64]:
    start = max(at[0] for at, _ in steps)
    every = np.unique(np.concatenate([at for at, _ in steps]))
    every = every[every >= start]
    if len(every) <= _POINTS:
        return every
    return every[np.unique(np.linspace(0, len(every) - 1, _POINTS).astype(int))]

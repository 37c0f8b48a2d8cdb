"""Pictures of training dynamics: heat maps over layers and epochs, curves over depth, and balance of hidden units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.charts import COLOURS, GREY, PLOT
from app.names import legend_labels
from db.convert import Dynamics

LABELS = {
    "relative_gradient_norm": "Relative gradient of the weights",
    "attention_relative_gradient_norm": "Relative gradient of the attention",
    "gradient_norm": "Gradient norm",
    "weight_norm": "Weight norm",
    "weight_norm_imbalance": "Imbalance of weight norms",
    "relative_gradient_imbalance": "Imbalance of relative gradients",
    "dirichlet_energy": "Dirichlet energy",
    "constraint": "Constraint violation",
}
"""What the quantities of `db.records.DynamicsRecord` are called; others are shown by their own name."""

OVER_DEPTH = ("dirichlet_energy", "constraint")
"""Quantities of which each step of a network has one, so that their course from step to step tells most."""

# what enters the first layer has a Dirichlet energy too
_FIRST = {"dirichlet_energy": 0}

_COLUMNS = 250  # epochs across a heat map; more cannot be told apart on a screen


def offered(recorded: Iterable[str]) -> list[str]:
    """The names of recorded quantities, those of `LABELS` first and in their order."""
    names = list(dict.fromkeys(recorded))
    return [name for name in LABELS if name in names] + [name for name in names if name not in LABELS]


def first_layer(name: str) -> int:
    """The number of the layer, or step, that the first value of each sample of a quantity belongs to."""
    return _FIRST.get(name, 1)


def is_by_units(values: NDArray[np.float64]) -> bool:
    """Whether samples hold quantiles of hidden units [samples, groups, quantiles], not one number a layer."""
    return values.ndim == 3


def heat_frame(epochs: NDArray[np.int64], values: NDArray[np.float64], first: int = 1) -> pd.DataFrame:
    """One line a cell: layer (from `first`), the epochs it covers and the decimal logarithm of the quantity.

    Samples are thinned, not averaged, so that every cell is a value that was measured. Cells without a value are left
    out.
    """
    chosen = np.unique(np.linspace(0, len(epochs) - 1, min(len(epochs), _COLUMNS)).round().astype(int))
    starts = epochs[chosen]
    width = int(np.diff(starts).max()) if len(starts) > 1 else 1
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log10(values[chosen])
    lines = [
        {"epoch": int(start), "until": int(end), "layer": layer + first, "value": float(number)}
        for start, end, row in zip(starts, [*starts[1:], starts[-1] + width], logarithms, strict=True)
        for layer, number in enumerate(row)
        if np.isfinite(number)
    ]
    return pd.DataFrame(lines, columns=["epoch", "until", "layer", "value"])


def common_domain(frames: Iterable[pd.DataFrame], column: str) -> list[float] | None:
    """From the least to the largest value of a column over all frames; None where they have none."""
    values = pd.concat([frame[column].astype(float) for frame in frames], ignore_index=True).dropna()
    return [float(values.min()), float(values.max())] if len(values) else None


def heat_chart(frame: pd.DataFrame, title: str, domain: Sequence[float] | None = None) -> alt.Chart:
    """Layers upward, epochs to the right.

    Args:
        frame: from `heat_frame`.
        title: of the quantity.
        domain: ends of the colours, so that several maps can share them; None takes those of `frame`.
    """
    ends = list(domain) if domain else alt.Undefined
    return (
        alt.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X("epoch:Q", title="epoch", scale=alt.Scale(nice=False)),
            x2="until:Q",
            y=alt.Y("layer:O", title="layer", sort="descending"),
            color=alt.Color("value:Q", title="log10", scale=alt.Scale(scheme="viridis", domain=ends)),
            tooltip=["epoch:Q", "layer:O", alt.Tooltip("value:Q", title=f"log10 {title.lower()}", format=".2f")],
        )
        .properties(height=28 * max(frame["layer"].nunique(), 2), autosize=PLOT)
    )


def balance_frame(epochs: NDArray[np.int64], values: NDArray[np.float64]) -> pd.DataFrame:
    """One line a sample and group of hidden units, with its five quantiles; groups are counted from 1."""
    names = ["low", "lower", "middle", "upper", "high"]
    return pd.DataFrame(
        [
            {"epoch": int(epoch), "units": f"after layer {group + 1}", **dict(zip(names, quantiles, strict=True))}
            for epoch, sample in zip(epochs, values, strict=True)
            for group, quantiles in enumerate(sample.tolist())
        ],
        columns=["epoch", "units", *names],
    )


def balance_chart(frame: pd.DataFrame, columns: int = 3) -> alt.FacetChart:
    """Quantiles of the imbalance, one panel a group: 0 is balance, 1 means that all energy makes the units.

    Args:
        frame: from `balance_frame`.
        columns: panels side by side.
    """
    base = alt.Chart(frame).encode(x=alt.X("epoch:Q", scale=alt.Scale(nice=False)))
    wide = base.mark_area(opacity=0.18, color=COLOURS[0]).encode(
        y=alt.Y("low:Q", title="imbalance", scale=alt.Scale(domain=[-1, 1])), y2="high:Q"
    )
    narrow = base.mark_area(opacity=0.3, color=COLOURS[0]).encode(y="lower:Q", y2="upper:Q")
    middle = base.mark_line(color=COLOURS[0], strokeWidth=1.5).encode(
        y="middle:Q", tooltip=["epoch:Q", alt.Tooltip("middle:Q", title="median", format=".3f")]
    )
    zero = base.mark_rule(color=GREY, strokeDash=[4, 4]).encode(y=alt.datum(0))
    panel = alt.layer(wide, narrow, middle, zero).properties(height=150, width=260)
    return panel.facet(alt.Facet("units:N", title=""), columns=columns)


def depth_frame(recorded: Mapping[str, Dynamics], first: int = 1) -> pd.DataFrame:
    """One line a run, step of its network (from `first`) and sample, of which the first and the last are taken.

    Args:
        recorded: one quantity of each run, by the run's name, of the shape [samples, steps].
    """
    lines = [
        {"run": run, "step": step + first, "value": float(value), "epoch": int(found.epochs[at]), "sample": sample}
        for run, found in recorded.items()
        for sample, at in ({"first": 0, "last": -1} if len(found.epochs) > 1 else {"last": -1}).items()
        for step, value in enumerate(found.values[at])
        if np.isfinite(value)
    ]
    return pd.DataFrame(lines, columns=["run", "step", "value", "epoch", "sample"])


def depth_chart(frame: pd.DataFrame, title: str, runs: Sequence[str]) -> alt.LayerChart | alt.FacetChart:
    """A quantity against depth: a line a run, dashed before training and solid at its end.

    Args:
        frame: from `depth_frame`.
        title: of the quantity.
        runs: all names that a colour stands for.
    """
    is_positive = bool((frame["value"] > 0).all())
    scale = alt.Scale(type="log", nice=False) if is_positive else alt.Scale(zero=False)
    base = alt.Chart(frame).encode(
        x=alt.X("step:Q", title="step of the network", axis=alt.Axis(tickMinStep=1, format="d")),
        y=alt.Y("value:Q", title=f"{title.lower()}{' (log)' if is_positive else ''}", scale=scale),
        color=run_colour(runs),
        tooltip=["run:N", "step:Q", alt.Tooltip("value:Q", format=".4g"), "epoch:Q"],
    )
    dash = alt.StrokeDash(
        "sample:N",
        scale=alt.Scale(domain=["first", "last"], range=[[4, 4], [1, 0]]),
        legend=alt.Legend(title="sample", orient="top"),
    )
    lines = base.mark_line(strokeWidth=2).encode(strokeDash=dash)
    return alt.layer(lines, base.mark_point(size=40, filled=True)).properties(height=200, autosize=PLOT)


def run_colour(runs: Sequence[str]) -> alt.Color:
    """One colour of the palette a run, with a legend above."""
    legend = alt.Legend(
        title=None, orient="top", columns=1, labelLimit=300, labelExpr=legend_labels(runs), symbolOpacity=1
    )
    return alt.Color("run:N", scale=run_scale(runs), legend=legend)


def run_scale(runs: Sequence[str]) -> alt.Scale:
    """From runs to colours of the palette."""
    return alt.Scale(domain=list(runs), range=[COLOURS[index % len(COLOURS)] for index in range(len(runs))])

"""Pictures of training dynamics: heat maps over layers and epochs, and how far hidden units are out of balance."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.charts import COLOURS, GREY

LABELS = {
    "relative_gradient_norm": "Relative gradient of the weights",
    "attention_relative_gradient_norm": "Relative gradient of the attention",
    "gradient_norm": "Gradient norm",
    "weight_norm": "Weight norm",
    "weight_norm_imbalance": "Imbalance of weight norms",
    "relative_gradient_imbalance": "Imbalance of relative gradients",
}
"""What the quantities of `db.records.DynamicsRecord` are called; others are shown by their own name."""

_COLUMNS = 250  # epochs across a heat map; more cannot be told apart on a screen


def is_by_units(values: NDArray[np.float64]) -> bool:
    """Whether samples hold quantiles of hidden units [samples, groups, quantiles], not one number a layer."""
    return values.ndim == 3


def heat_frame(epochs: NDArray[np.int64], values: NDArray[np.float64]) -> pd.DataFrame:
    """One line a cell: layer (from 1), the epochs it covers and the decimal logarithm of the quantity.

    Samples are thinned, not averaged, so that every cell is a value that was measured. Cells without a value are left
    out.
    """
    chosen = np.unique(np.linspace(0, len(epochs) - 1, min(len(epochs), _COLUMNS)).round().astype(int))
    starts = epochs[chosen]
    width = int(np.diff(starts).max()) if len(starts) > 1 else 1
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log10(values[chosen])
    lines = [
        {"epoch": int(start), "until": int(end), "layer": layer + 1, "value": float(number)}
        for start, end, row in zip(starts, [*starts[1:], starts[-1] + width], logarithms, strict=True)
        for layer, number in enumerate(row)
        if np.isfinite(number)
    ]
    return pd.DataFrame(lines, columns=["epoch", "until", "layer", "value"])


def heat_chart(frame: pd.DataFrame, title: str) -> alt.Chart:
    """Layers upward, epochs to the right."""
    return (
        alt.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X("epoch:Q", title="epoch", scale=alt.Scale(nice=False)),
            x2="until:Q",
            y=alt.Y("layer:O", title="layer", sort="descending"),
            color=alt.Color("value:Q", title="log10", scale=alt.Scale(scheme="viridis")),
            tooltip=["epoch:Q", "layer:O", alt.Tooltip("value:Q", title=f"log10 {title.lower()}", format=".2f")],
        )
        .properties(height=40 + 34 * max(frame["layer"].nunique(), 1))
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


def balance_chart(frame: pd.DataFrame) -> alt.FacetChart:
    """Quantiles of the imbalance, one panel a group: 0 is balance, 1 means that all energy makes the units."""
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
    return panel.facet(alt.Facet("units:N", title=""), columns=3)

"""Accuracy against the bits that a method computes in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from app import format as words
from app.charts import GREY, PLOT
from app.dynamics_charts import run_colour, run_scale
from db.scoring.board import BoardRow

FULL = 32
"""Bits of a method without a quantizer: FP32."""

_WIDTH = re.compile(r"(?<=[(,])bits=(\d+)(?=[,)])")
_OWN_WIDTH = re.compile(r"[(,]\w+_bits=")


class Widths(NamedTuple):
    """Rows by the bits of their quantizer."""

    known: list[tuple[BoardRow, int]]
    unknown: list[BoardRow]
    """Of several widths, or of one that no trial told."""


def unspelled(rows: Iterable[BoardRow]) -> list[str]:
    """Methods whose name does not say the bits of their quantizer, because they are its default."""
    return [row.method for row in rows if row.quantizer is not None and _spelled(row.quantizer) is None]


def widths(rows: Iterable[BoardRow], told: Mapping[str, Any]) -> Widths:
    """The bits of each row that has a metric.

    Args:
        told: what a trial stored of its quantizer (`environment["quantizer"]`), by method, for `unspelled` ones.
    """
    found = Widths([], [])
    for row in rows:
        if row.mean is None:
            continue
        bits = FULL if row.quantizer is None else _spelled(row.quantizer) or _told(told.get(row.method))
        if bits is None:
            found.unknown.append(row)
        else:
            found.known.append((row, bits))
    return found


def bits_frame(known: Sequence[tuple[BoardRow, int]]) -> pd.DataFrame:
    """One line a row: its bits, its metric in percent with the interval, and the run of widths that it belongs to."""
    lines = [
        {
            "method": row.method,
            "run": _without_width(row),
            "bits": bits,
            "score": 100 * row.mean,
            "low": None if row.ci_low is None else 100 * row.ci_low,
            "high": None if row.ci_high is None else 100 * row.ci_high,
            "said": words.percent_interval(row.mean, row.ci_low, row.ci_high),
            "n": row.n,
            "status": row.status,
        }
        for row, bits in known
        if row.mean is not None
    ]
    frame = pd.DataFrame(lines, columns=["method", "run", "bits", "score", "low", "high", "said", "n", "status"])
    return frame.astype({"low": float, "high": float}).sort_values(["bits", "run"], ignore_index=True)


def bits_chart(frame: pd.DataFrame, metric: str) -> alt.LayerChart | alt.FacetChart:
    """Metric against bits; a line joins the widths of one quantizer and backbone.

    Args:
        frame: from `bits_frame`.
        metric: name of the metric.
    """
    runs = sorted(set(frame["run"]))
    base = alt.Chart(frame).encode(
        x=alt.X("bits:O", title="bits of the numbers", axis=alt.Axis(labelAngle=0)),
        color=run_colour(runs),
        tooltip=[
            alt.Tooltip("method:N"),
            alt.Tooltip("bits:O"),
            alt.Tooltip("said:N", title=metric),
            alt.Tooltip("n:Q"),
            alt.Tooltip("status:N"),
        ],
    )
    up = alt.Y("score:Q", title=f"test {metric}, %", scale=alt.Scale(zero=False, padding=12))
    rule = base.transform_filter("isValid(datum.low)").mark_rule(color=GREY, strokeWidth=1.5, opacity=0.6)
    point = base.mark_point(size=120, strokeWidth=2).encode(
        y=up,
        fill=alt.Fill("run:N", scale=run_scale(runs), legend=None),
        fillOpacity=alt.condition("datum.status == 'ranked'", alt.value(0.9), alt.value(0.12)),
    )
    line = base.mark_line(strokeWidth=2, opacity=0.6).encode(y=up, tooltip=alt.value(None))
    return alt.layer(line, rule.encode(y=alt.Y("low:Q"), y2="high:Q", color=alt.value(GREY)), point).properties(
        height=220, autosize=PLOT
    )


def _spelled(quantizer: str) -> int | None:
    width = _WIDTH.search(quantizer)
    return None if width is None or _OWN_WIDTH.search(quantizer) else int(width[1])


def _told(facts: Any) -> int | None:
    if not isinstance(facts, Mapping):
        return None
    if isinstance(stored := facts.get("bits_stored"), int):
        return stored
    by_site = facts.get("bits")
    if not isinstance(by_site, Mapping):
        return None
    found = {width for each in by_site.values() if isinstance(each, list) for width in each}
    return found.pop() if len(found) == 1 and all(isinstance(width, int) for width in found) else None


def _without_width(row: BoardRow) -> str:
    if row.quantizer is None:
        return row.method
    name, _, inside = row.quantizer.rstrip(")").partition("(")
    kept = [parameter for parameter in inside.split(",") if parameter and not parameter.startswith("bits=")]
    return row.method.replace(row.quantizer, f"{name}({','.join(kept)})" if kept else name)

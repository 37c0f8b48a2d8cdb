"""Pictures of one trial: where its time went, how it learned, what its steps saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import altair as alt
import pandas as pd

from app import format as words
from app.charts import COLOURS, GREY, PLOT
from db.records import Ledger
from db.scoring.curve import Curve

SCORED = ("preprocess", "compile", "train")
"""The accounts of the ledger that count as scored time."""

LEVELS = "Level 0 is the graph itself; each level above it is coarser."
"""What the numbers of `schedule_chart` mean."""

Layered = alt.LayerChart | alt.FacetChart

_ACCOUNTS = (*SCORED, "load", "evaluate", "checkpoint", "idle")
_POINTS = 1500  # more than a screen has columns of pixels


def ledger_frame(ledger: Ledger) -> pd.DataFrame:
    """One line an account with seconds in it, the scored ones first; `start` and `end` are where its bar lies."""
    seconds = asdict(ledger)
    lines, start = [], 0.0
    for account in _ACCOUNTS:
        if seconds[account] <= 0:
            continue
        end = start + seconds[account]
        share = words.percent(seconds[account] / ledger.wall, 1) if ledger.wall else words.NOTHING
        lines.append({"account": account, "start": start, "end": end, "said": words.seconds(seconds[account]),
                      "share": share, "kind": "scored" if account in SCORED else "not scored"})  # fmt: skip
        start = end
    return pd.DataFrame(lines, columns=["account", "start", "end", "said", "share", "kind"])


def ledger_chart(frame: pd.DataFrame) -> Layered:
    """One bar from the first second to the last, in accounts; see `ledger_frame`."""
    accounts = list(frame["account"])
    colours = [COLOURS[_ACCOUNTS.index(account)] for account in accounts]
    # the gaps between the bars are no part of a colour's sign
    legend = alt.Legend(title=None, orient="top", columns=4, symbolStrokeWidth=0)
    base = alt.Chart(frame).encode(
        x=alt.X("start:Q", title="seconds of the trial's process", scale=alt.Scale(nice=False)),
        x2="end:Q",
        tooltip=[alt.Tooltip("account:N"), alt.Tooltip("said:N", title="time"), "share:N", alt.Tooltip("kind:N")],
    )
    bar = base.mark_bar(height=34, stroke="white", strokeWidth=1).encode(
        color=alt.Color("account:N", scale=alt.Scale(domain=accounts, range=colours), legend=legend),
        opacity=alt.condition("datum.kind == 'scored'", alt.value(1.0), alt.value(0.45)),
    )
    return alt.layer(bar).properties(height=44, autosize=PLOT)


def curve_frame(curve: Curve, across: str) -> pd.DataFrame:
    """Validation metric in percent and training loss at each evaluation, thinned to what a screen can show.

    Args:
        across: `epoch`, `scored_seconds`, `node_visits` or `edge_visits`.
    """
    step = max(1, -(-len(curve.epoch) // _POINTS))
    chosen = slice(None, None, step)
    return pd.DataFrame(
        {
            "across": getattr(curve, across)[chosen],
            "metric": 100 * curve.validation_metric[chosen],
            "loss": curve.train_loss[chosen],
            "epoch": curve.epoch[chosen],
        }
    )


def curve_chart(frame: pd.DataFrame, title: str, metric: str, selected: float | None) -> Layered:
    """Validation metric, with the selected evaluation marked."""
    across = alt.X("across:Q", title=title, scale=alt.Scale(nice=False))
    line = (
        alt.Chart(frame)
        .mark_line(color=COLOURS[0], strokeWidth=2)
        .encode(
            x=across,
            y=alt.Y("metric:Q", title=f"validation {metric}, %", scale=alt.Scale(zero=False)),
            tooltip=["epoch:Q", alt.Tooltip("metric:Q", format=".2f"), alt.Tooltip("loss:Q", format=".4g")],
        )
    )
    if selected is None:
        return alt.layer(line).properties(height=220, autosize=PLOT)
    mark = alt.Chart(pd.DataFrame({"across": [selected]})).mark_rule(color=GREY, strokeDash=[5, 4]).encode(x="across:Q")
    return alt.layer(mark, line).properties(height=220, autosize=PLOT)


def schedule_frame(schedule: Sequence[dict[str, Any]], scored_seconds: float) -> pd.DataFrame:
    """One line a segment: the scales its steps saw, from when to when, nodes and edges a step."""
    ends = [segment["scored_seconds"] for segment in schedule[1:]] + [scored_seconds]
    lines = [
        {
            "scales": ", ".join(map(str, segment["scales"])),
            "level": max(segment["scales"], default=0),
            "start": segment["scored_seconds"],
            "end": end,
            "steps": segment["steps"],
            "nodes": segment["node_visits"] / max(segment["steps"], 1),
            "edges": segment["edge_visits"] / max(segment["steps"], 1),
        }
        for segment, end in zip(schedule, ends, strict=True)
    ]
    return pd.DataFrame(lines, columns=["scales", "level", "start", "end", "steps", "nodes", "edges"])


def schedule_chart(frame: pd.DataFrame, until: float | None = None) -> alt.Chart:
    """Coarsening level against scored time.

    Args:
        frame: from `schedule_frame`.
        until: seconds at the right end, so that several schedules can share it; None takes those of `frame`.
    """
    ends = alt.Undefined if until is None else [0.0, until]
    return (
        alt.Chart(frame)
        .mark_bar(height=16, color=COLOURS[0])
        .encode(
            x=alt.X("start:Q", title="scored seconds", scale=alt.Scale(nice=False, domain=ends)),
            x2="end:Q",
            y=alt.Y("scales:N", title="levels"),
            tooltip=[
                "scales:N",
                "steps:Q",
                alt.Tooltip("nodes:Q", title="nodes a step", format=",.0f"),
                alt.Tooltip("edges:Q", title="entries a step", format=",.0f"),
            ],
        )
        .properties(height=28 * frame["scales"].nunique(), autosize=PLOT)
    )

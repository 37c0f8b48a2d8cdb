"""Published figures beside ours, as tables and a picture. Pure functions from cells to frames and charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import altair as alt
import pandas as pd

from app import format as words
from app.charts import COLOURS, GREY, PLOT
from db.scoring.published import Cell, Verdict
from db.scoring.released import Effect

SYMBOLS: Mapping[Verdict, str] = {
    Verdict.REPRODUCED: "✓",
    Verdict.NOT_REPRODUCED: "✗",
    Verdict.NOT_COMPARABLE: "⊘",
    Verdict.NOT_RUN: "○",
}
"""A sign beside each word, so that nobody has to tell colours apart."""

NO_DATASET = "none of ours"

_COLOURS = {
    Verdict.REPRODUCED: COLOURS[0],
    Verdict.NOT_REPRODUCED: COLOURS[5],
    Verdict.NOT_COMPARABLE: GREY,
    Verdict.NOT_RUN: GREY,
}
_SHAPES = {
    Verdict.REPRODUCED: "circle",
    Verdict.NOT_REPRODUCED: "cross",
    Verdict.NOT_COMPARABLE: "diamond",
    Verdict.NOT_RUN: "square",
}
_DRAWN = ["cell", "place", "verdict", "published", "published_low", "published_high", "ours", "low", "high",
          "said_published", "said_ours", "said_difference", "n"]  # fmt: skip


def said(verdict: Verdict) -> str:
    """The verdict as sign and word."""
    return f"{SYMBOLS[verdict]} {verdict.value}"


def counts(cells: Iterable[Cell]) -> dict[Verdict, int]:
    """How many cells have each verdict, all four of them."""
    found = Counter(cell.verdict for cell in cells)
    return {verdict: found[verdict] for verdict in Verdict}


def dataset_of(cell: Cell) -> str:
    """The dataset under which a cell is chosen."""
    return cell.figure.dataset or NO_DATASET


def narrowed(cells: Iterable[Cell], verdicts: Sequence[str], datasets: Sequence[str]) -> list[Cell]:
    """The cells of these verdicts and datasets, in their order; no choice lets all pass."""
    return [
        cell
        for cell in cells
        if (not verdicts or cell.verdict.value in verdicts) and (not datasets or dataset_of(cell) in datasets)
    ]


def by_place(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """The cells of each published table; those where something was compared go first."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.figure.place, []).append(cell)
    compared = (Verdict.REPRODUCED, Verdict.NOT_REPRODUCED)
    return dict(sorted(found.items(), key=lambda item: not any(cell.verdict in compared for cell in item[1])))


def frame(cells: Sequence[Cell]) -> pd.DataFrame:
    """One line a cell, all in words."""
    return pd.DataFrame(
        {
            "cell": [cell.label for cell in cells],
            "verdict": [said(cell.verdict) for cell in cells],
            "published": [published_words(cell) for cell in cells],
            "ours": [ours_words(cell) for cell in cells],
            "n": [n_words(cell) for cell in cells],
            "difference": [difference_words(cell) for cell in cells],
            "why": [cell.reason for cell in cells],
            "command": [cell.figure.command or "" for cell in cells],
            "method": [cell.figure.method or "" for cell in cells],
            "note": [cell.figure.note for cell in cells],
        }
    )


def published_words(cell: Cell) -> str:
    """`82.8 % ± 1.1`, or that it could not be read."""
    figure = cell.figure
    if figure.value is None:
        return "not read"
    if not _is_fraction(cell):
        return _plain(figure.value) + (f" ± {_plain(figure.spread)}" if figure.spread is not None else "")
    spread = f" ± {100 * figure.spread:.2f}" if figure.spread is not None else ""
    return f"{words.percent(figure.value)}{spread}"


def ours_words(cell: Cell) -> str:
    """Ours with its interval."""
    if _is_fraction(cell):
        return words.percent_interval(cell.ours, cell.low, cell.high)
    return words.ratio_interval(cell.ours, cell.low, cell.high)


def n_words(cell: Cell) -> str:
    """How many splits and seeds; provisional where they are few."""
    if cell.ours is None:
        return ""
    return f"{cell.n}, provisional" if cell.provisional else str(cell.n)


def difference_words(cell: Cell) -> str:
    """Ours minus the published value, with its interval."""
    if _is_fraction(cell):
        return words.points(cell.difference, cell.difference_low, cell.difference_high)
    return words.ratio_interval(cell.difference, cell.difference_low, cell.difference_high)


def drawn(cells: Iterable[Cell]) -> pd.DataFrame:
    """One line a cell that has both a published test metric and ours, in percent."""
    lines = [
        {
            "cell": cell.label,
            "place": cell.figure.place,
            "verdict": cell.verdict.value,
            "published": 100 * cell.figure.value,
            "published_low": 100 * (cell.figure.value - (cell.figure.spread or 0.0)),
            "published_high": 100 * (cell.figure.value + (cell.figure.spread or 0.0)),
            "ours": 100 * cell.ours,
            "low": None if cell.low is None else 100 * cell.low,
            "high": None if cell.high is None else 100 * cell.high,
            "said_published": published_words(cell),
            "said_ours": ours_words(cell),
            "said_difference": difference_words(cell),
            "n": n_words(cell),
        }
        for cell in cells
        if cell.figure.quantity == "test_metric" and cell.figure.value is not None and cell.ours is not None
    ]
    return pd.DataFrame(lines, columns=_DRAWN)


def chart(points: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Ours against the published value, both in percent: points, intervals, and the diagonal on which both agree.

    Args:
        points: from `drawn`, not empty.
    """
    ends = pd.concat([points[name] for name in ("published_low", "published_high", "ours", "low", "high")])
    known = ends.astype(float).dropna()
    room = max(1.0, 0.05 * float(known.max() - known.min()))
    domain = [float(known.min()) - room, float(known.max()) + room]
    scale = alt.Scale(domain=domain, nice=False, zero=False)
    across = alt.X("published:Q", title="published test metric, %", scale=scale)
    up = alt.Y("ours:Q", title="ours, %, with 95 % interval", scale=scale)
    base = alt.Chart(points).encode(across, up, tooltip=_tooltip())
    present = [verdict for verdict in Verdict if verdict.value in set(points["verdict"])]
    names = [verdict.value for verdict in present]
    legend = alt.Legend(title=None, orient="top", symbolSize=80)
    marks = base.mark_point(size=110, strokeWidth=2, filled=False, opacity=1).encode(
        color=alt.Color(
            "verdict:N",
            legend=legend,
            scale=alt.Scale(domain=names, range=[_COLOURS[verdict] for verdict in present]),
        ),
        shape=alt.Shape(
            "verdict:N", legend=legend, scale=alt.Scale(domain=names, range=[_SHAPES[verdict] for verdict in present])
        ),
    )
    line = alt.Chart(pd.DataFrame({"published": domain, "ours": domain})).mark_line(
        strokeDash=[5, 4], color=GREY, strokeWidth=1.5
    )
    upright = base.transform_filter("isValid(datum.low)").mark_rule(color=GREY, opacity=0.7, strokeWidth=1.5)
    level = base.transform_filter("datum.published_low < datum.published_high").mark_rule(
        color=GREY, opacity=0.7, strokeWidth=1.5
    )
    return alt.layer(
        line.encode(across, up, tooltip=alt.value(None)),
        upright.encode(y=alt.Y("low:Q"), y2="high:Q"),
        level.encode(x=alt.X("published_low:Q"), x2="published_high:Q"),
        marks,
    ).properties(height=300, autosize=PLOT)


def effects_frame(effects: Sequence[Effect]) -> pd.DataFrame:
    """One line an effect of a finding, all in words."""
    return pd.DataFrame(
        {
            "rows": [_rows_of(each) for each in effects],
            "effect": [effect_words(each) for each in effects],
            "n": [str(each.n) if each.n else "" for each in effects],
            "why": [each.reason for each in effects],
            "command": [each.finding.command or "" for each in effects],
        }
    )


def effect_words(each: Effect) -> str:
    """Release minus corrected in points, or release over corrected; `not run` where it was not measured."""
    if each.value is None:
        return "not measurable" if each.finding.quantity is None else "not run"
    return words.ratio_interval(*each.value) + " times" if each.is_ratio else words.points(*each.value)


def _rows_of(each: Effect) -> str:
    return each.finding.finding_id.split("/", 2)[-1] if each.finding.quantity is not None else ""


def _is_fraction(cell: Cell) -> bool:
    return cell.figure.quantity.endswith("_metric")


def _plain(value: float) -> str:
    return f"{value:.4g}"


def _tooltip() -> list[alt.Tooltip]:
    titles = {"cell": "cell", "place": "where", "said_published": "published", "said_ours": "ours",
              "said_difference": "difference", "n": "splits and seeds", "verdict": "verdict"}  # fmt: skip
    return [alt.Tooltip(f"{name}:N", title=title) for name, title in titles.items()]

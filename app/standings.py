"""The methods over several datasets as a table: ranks, and means of ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from pandas.io.formats.style import Styler

from app import format as words
from app.costs import COSTS
from app.intervals import rank_pictures
from app.names import short_names
from app.table import ends, ratio_columns, ratio_in, tint
from db.scoring.aggregate import METRIC, AggregateRow

BY: Mapping[str, str] = {
    "test metric": METRIC,
    **{f"{cost.noun} ratio": f"{stem}_ratio" for stem, cost in COSTS.items()},
}
"""What ranks, by its words in the URL; see `aggregate`."""


def frame(rows: Sequence[AggregateRow]) -> pd.DataFrame:
    """One line a method, with numbers as numbers (differences in percentage points); pictures are URLs."""
    ranks = [ends(row, "mean_rank") for row in rows]
    names = short_names(row.method for row in rows)
    columns: dict[str, Sequence[object]] = {
        "rank": [row.rank for row in rows],
        "name": [names[row.method] for row in rows],
        "rank_range": [_range(row.rank_low, row.rank_high) for row in rows],
        "mean_rank": [rank[0] for rank in ranks],
        "rank_interval": rank_pictures(ranks),
        "marks": [marks(row) for row in rows],
        "datasets": [row.datasets for row in rows],
        "difference": [None if row.difference is None else 100 * row.difference for row in rows],
    }
    for stem in COSTS:
        columns |= ratio_columns(rows, f"{stem}_ratio")
    columns["missing"] = [", ".join(row.missing) for row in rows]
    columns["failed"] = [", ".join(row.failed) for row in rows]
    columns["method"] = [row.method for row in rows]
    columns["trust"] = [words.words(row.trust) for row in rows]
    numeric = ["rank", "mean_rank", "difference", *(f"{stem}_ratio" for stem in COSTS)]
    return pd.DataFrame(columns).astype(dict.fromkeys(numeric, float))


def marks(row: AggregateRow) -> list[str]:
    """What a reader should know before believing a row."""
    found = ["provisional"] if row.provisional else []
    found += ["failed"] if row.failed else []
    return found + ([row.trust] if row.trust in ("disputed", "retracted") else [])


def styled(table: pd.DataFrame, rows: Sequence[AggregateRow]) -> Styler:
    """The table with its numbers in words, tinted as the board's; for as many rows as are drawn at once."""
    style = table.style.format(
        {
            "rank": "{:.0f}".format,
            "mean_rank": "{:.2f}".format,
            "difference": lambda difference: words.points(difference / 100),
            **{f"{stem}_ratio": ratio_in(cost.wording) for stem, cost in COSTS.items()},
        },
        na_rep=words.NOTHING,
    )
    for stem in COSTS:
        tints = [tint(ends(row, f"{stem}_ratio")) for row in rows]
        style = style.apply(lambda _, tints=tints: tints, subset=[f"{stem}_ratio"])
    return style


def _range(low: int | None, high: int | None) -> str:
    return words.NOTHING if low is None or high is None else f"{low} to {high}" if low < high else str(low)

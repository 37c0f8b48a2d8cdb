"""A few methods beside one of them, dataset by dataset, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from streamlit import column_config as columns_of

from app import format as words
from app.costs import COSTS
from app.table import ends, verdict
from db.scoring.board import BoardRow
from db.scoring.board_columns import RANKED_FROM
from db.scoring.wins import WinTable


def frame(rows: Sequence[BoardRow]) -> pd.DataFrame:
    """One line a row; figures with their intervals are words, so that hundreds of lines are drawn at once."""
    lines = [
        {
            "dataset": row.dataset,
            "method": row.method,
            "n": row.paired,
            "marks": ["provisional"] if row.paired < RANKED_FROM else [],
            "verdict": verdict(row),
            "difference": words.points(*ends(row, "difference")),
            "p_value": row.p_value,
            **{stem: words.ratio_interval(*ends(row, f"{stem}_ratio")) for stem in COSTS},
        }
        for row in rows
    ]
    names = ["dataset", "method", "n", "marks", "verdict", "difference", "p_value", *COSTS]
    return pd.DataFrame(lines, columns=names).astype({"p_value": float})


def columns() -> dict[str, Any]:
    """The columns by the names of `frame`."""
    text, number = columns_of.TextColumn, columns_of.NumberColumn
    return {
        "dataset": text("Dataset", pinned=True),
        "method": text("Method", width=240),
        "n": number("n", help="Splits and seeds that both have."),
        "marks": columns_of.MultiselectColumn("Marks", options=["provisional"], color=["orange"]),
        "verdict": text("Score", help="same: by a test of equivalence. better, worse: p < 0.05. unclear: neither."),
        "difference": text("Difference (95 % CI)"),
        "p_value": number("p", format="%.3g", help="Corrected by Holm over the methods held against it on a dataset."),
        **{stem: text(f"{cost.label} ratio (95 % CI)") for stem, cost in COSTS.items()},
    }


def win_frame(methods: Sequence[str], table: WinTable) -> pd.DataFrame:
    """Methods (rows) against methods (columns): on how many datasets they win, tie and lose, as words."""
    cells = np.full((len(methods), len(methods)), "", dtype=object)
    for own in range(len(methods)):
        for other in range(len(methods)):
            if own != other:
                cells[own, other] = f"{table.wins[own, other]} · {table.ties[own, other]} · {table.losses[own, other]}"
    return pd.DataFrame(cells, index=pd.Index(methods, name="wins · ties · losses of"), columns=list(methods))

"""How the columns of the board's tables look, with the help that their headers give."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from streamlit import column_config as columns_of

from app.costs import BY_FIELD, COSTS

_MARKS = {
    "front": "green",
    "provisional": "orange",
    "partly paired": "orange",
    "not interleaved": "orange",
    "failed": "red",
    "disputed": "red",
    "retracted": "red",
}
_HELP = (
    "front: no method here beats it. provisional: fewer than ten splits or seeds. "
    "partly paired: ratios and differences are of fewer splits and seeds than the score. "
    "not interleaved: some ratio compares two sessions of the machine."
)
_SHORT = "Without the parameters that all such methods here share; a column to the right has them."
_CHEAPER = "divided by full batch of the same backbone; below 1 is cheaper"


def columns(empty: Collection[str] = ()) -> dict[str, Any]:
    """The columns by the names of `app.table.frame`; `empty` ones are hidden, and the table's menu shows them."""
    text, number, image = columns_of.TextColumn, columns_of.NumberColumn, columns_of.ImageColumn
    found = {
        "name": text("Method", pinned=True, width=200, help=_SHORT),
        "dataset": text("Dataset"),
        "machine": text("Machine", width=130),
        "score": number("Score", help="Mean test metric over splits and seeds, in percent."),
        "score_interval": image("95 % interval", help="Of the score; each dataset has its own scale.", width=150),
        "marks": _marks(),
        "same_metric": text("Same score?", help="Beside the reference: same, better, worse or unclear."),
        **ratio_columns(f"mean over splits and seeds, {_CHEAPER}"),
        "difference": number("Difference", help="Of the score to that of the paired reference, in percentage points."),
        "p_value": number("p", help="Of the difference to the reference, corrected for the number of candidates."),
        "front": number("On the front", help="How often, when splits and seeds are drawn again, no method beats it."),
        "n": number("n", help="Splits and seeds with a result."),
        **{name: number(cost.label, help="Mean per trial.") for name, cost in BY_FIELD.items()},
        "failures": text("Failures"),
        "method": text("With all parameters"),
        "metric": text("Metric"),
        "device": text("Device"),
        "protocol": text("Protocol"),
        "trust": text("Trust"),
        "measured_at": columns_of.DatetimeColumn("Measured", format="YYYY-MM-DD", help="Newest trial of the row, UTC."),
    }
    return found | dict.fromkeys(empty)


def standing_columns(empty: Collection[str] = ()) -> dict[str, Any]:
    """The columns by the names of `app.standings.frame`; for `empty` ones see `columns`."""
    text, number = columns_of.TextColumn, columns_of.NumberColumn
    image = columns_of.ImageColumn
    found = {
        "rank": number("Rank", pinned=True, help="By the mean over the datasets; 1 is the best of the methods here."),
        "name": text("Method", pinned=True, width=200, help=_SHORT),
        "rank_range": text("One left out", help="Best and worst rank when any one dataset is left out."),
        "mean_rank": number("Mean rank", help="Mean of the ranks within each dataset, among the methods here."),
        "rank_interval": image("95 % interval", help="Of the mean rank over the datasets; left is better.", width=150),
        "marks": _marks(),
        "datasets": number("Datasets", help="On which the method has a result."),
        "difference": number("Difference", help="To the paired reference, mean over the datasets, percentage points."),
        **ratio_columns(f"geometric mean over the datasets, {_CHEAPER}"),
        "missing": text("Not measured on", help="A method that misses a dataset has no rank."),
        "failed": text("Failed on"),
        "method": text("With all parameters"),
        "trust": text("Trust"),
    }
    return found | dict.fromkeys(empty)


def ratio_columns(kind: str) -> dict[str, Any]:
    """Two columns a cost: its ratio, and the picture of its interval."""
    found: dict[str, Any] = {}
    for stem, cost in COSTS.items():
        found[f"{stem}_ratio"] = columns_of.NumberColumn(
            f"{cost.label} ratio", help=f"{cost.label}: {kind}.", width=150
        )
        found[f"{stem}_interval"] = columns_of.ImageColumn(
            "95 % interval", help=f"Of the ratio of {cost.noun}; the dashed line is 1.", width=150
        )
    return found


def _marks() -> Any:
    return columns_of.MultiselectColumn("Marks", options=list(_MARKS), color=list(_MARKS.values()), help=_HELP)

"""How the columns of the board's table look, with the help that their headers give."""

from __future__ import annotations

from typing import Any

from streamlit import column_config as columns_of

_MARKS = {
    "front": "green",
    "provisional": "orange",
    "not interleaved": "orange",
    "failed": "red",
    "disputed": "red",
    "retracted": "red",
}
_HELP = (
    "front: no method here beats it. provisional: fewer than ten splits or seeds. "
    "not interleaved: some ratio compares two sessions of the machine."
)


def columns() -> dict[str, Any]:
    """The columns by the names of `app.table.frame`."""
    text, number, image = columns_of.TextColumn, columns_of.NumberColumn, columns_of.ImageColumn
    cheaper = "divided by full batch of the same backbone; below 1 is cheaper"
    return {
        "method": text("Method", pinned=True, width=260),
        "dataset": text("Dataset"),
        "score": number("Score", help="Mean test metric over splits and seeds, in percent."),
        "score_interval": image("95 % interval", help="Of the score; each dataset has its own scale.", width=150),
        "marks": columns_of.MultiselectColumn("Marks", options=list(_MARKS), color=list(_MARKS.values()), help=_HELP),
        "time_ratio": number("Time", help=f"Scored time, {cheaper}.", width=150),
        "time_interval": image("95 % interval", help="Of the time ratio; the dashed line is 1.", width=150),
        "memory_ratio": number("Memory", help=f"Peak memory, {cheaper}.", width=150),
        "memory_interval": image("95 % interval", help="Of the memory ratio; the dashed line is 1.", width=150),
        "target_ratio": number("To target", help=f"Time until the target metric, {cheaper}.", width=150),
        "target_interval": image("95 % interval", help="Of the ratio to target; the dashed line is 1.", width=150),
        "same_metric": text("Same score?", help="Beside the reference: same, better, worse or unclear."),
        "p_value": number("p", help="Of the difference to the reference, corrected for the number of candidates."),
        "n": number("n", help="Splits and seeds with a result."),
        "seconds": number("Scored time", help="Mean per trial."),
        "memory": number("Peak memory", help="Mean per trial."),
        "energy": number("Energy", help="Mean per trial, where a meter was there."),
        "failures": text("Failures"),
        "metric": text("Metric"),
        "device": text("Device"),
        "machine": text("Machine"),
        "protocol": text("Protocol"),
        "trust": text("Trust"),
    }

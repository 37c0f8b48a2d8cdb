"""The board as a table: one row a (dataset, method) of each protocol and machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from app import format as words
from app.costs import BY_FIELD, COSTS
from app.intervals import Ends, metric_pictures, ratio_pictures
from app.names import short_names
from db.records import MachineRecord
from db.scoring.board import BoardRow

CHEAPER, DEARER = "background-color: rgba(0,114,178,0.18)", "background-color: rgba(213,94,0,0.20)"

_SIGNIFICANT = 0.05

_NUMERIC = [
    "score", "difference", "p_value", "front", *(f"{stem}_ratio" for stem in COSTS),
    *BY_FIELD,
]  # fmt: skip


def frame(rows: Sequence[BoardRow], machines: Mapping[str, MachineRecord]) -> pd.DataFrame:
    """One line a row, with numbers as numbers (metric in percent), so that a table sorts them; pictures are URLs."""
    names = short_names(row.method for row in rows)
    columns: dict[str, Sequence[object]] = {
        "name": [names[row.method] for row in rows],
        "dataset": [row.dataset for row in rows],
        "machine": [machine(row, machines) for row in rows],
        "score": [_hundredfold(row.mean) for row in rows],
        "score_interval": _metric_pictures(rows),
        "marks": [marks(row) for row in rows],
        "same_metric": [verdict(row) for row in rows],
    }
    for stem in COSTS:
        columns |= ratio_columns(rows, f"{stem}_ratio")
    plain: dict[str, Callable[[BoardRow], object]] = {
        "difference": lambda row: _hundredfold(row.difference),
        "p_value": lambda row: row.p_value,
        "front": lambda row: row.pareto_probability,
        "n": lambda row: row.n,
        **{name: _field(name) for name in BY_FIELD},
        "failures": lambda row: words.failures(row.failures),
        "method": lambda row: row.method,
        "metric": lambda row: words.words(row.metric),
        "device": lambda row: row.device,
        "protocol": lambda row: row.preset or row.protocol,
        "trust": lambda row: words.words(row.trust),
        "measured_at": lambda row: row.measured_at,
    }
    columns |= {name: [cell(row) for row in rows] for name, cell in plain.items()}
    return pd.DataFrame(columns).astype(dict.fromkeys(_NUMERIC, float))


def styled(table: pd.DataFrame, rows: Sequence[BoardRow]) -> Styler:
    """The table with its numbers in words, and a tint where an interval leaves out the reference's 1.

    For as many rows as are drawn at once: it looks at each cell.
    """
    style = table.style.format(
        {
            "score": _percent,
            "difference": _points,
            "front": _share,
            **{f"{stem}_ratio": ratio_in(cost.wording) for stem, cost in COSTS.items()},
            "p_value": words.p_value,
            **{name: cost.say for name, cost in BY_FIELD.items()},
        },
        na_rep=words.NOTHING,
    )
    for stem in COSTS:
        tints = [tint(ends(row, f"{stem}_ratio")) for row in rows]
        style = style.apply(lambda _, tints=tints: tints, subset=[f"{stem}_ratio"])
    return style


def empty(table: pd.DataFrame) -> list[str]:
    """The columns that hold nothing in any line, such as energy where no machine has a meter."""
    return [str(name) for name in table.columns if all(_is_blank(cell) for cell in table[name])]


def ratio_columns(rows: Sequence[Any], name: str) -> dict[str, Sequence[object]]:
    """The ratio `name` of each row and, as `<stem>_interval`, its interval drawn on a scale that all share."""
    figures = [ends(row, name) for row in rows]
    return {name: [figure[0] for figure in figures], name.replace("ratio", "interval"): ratio_pictures(figures)}


def ends(row: Any, name: str) -> Ends:
    """A figure of a row with the ends of its interval."""
    return getattr(row, name), getattr(row, f"{name}_low"), getattr(row, f"{name}_high")


def ratio_in(wording: words.Wording) -> Callable[[float | None], str]:
    """How a ratio reads in a cell: `0.50 · 2.0x faster`."""
    return lambda ratio: f"{words.ratio_interval(ratio, None, None)} · {words.ratio_words(ratio, wording)}"


def tint(figure: Ends) -> str:
    """The background of a ratio whose interval leaves out 1, as a line of CSS."""
    _, low, high = figure
    if low is None or high is None or low <= 1 <= high:
        return ""
    return CHEAPER if high < 1 else DEARER


def marks(row: BoardRow) -> list[str]:
    """What a reader should know before believing a row, and whether it lies on the front."""
    found = ["front"] if row.pareto and row.status != "failed" else []
    found += [row.status] if row.status != "ranked" else []
    found += ["partly paired"] if row.is_partly_paired else []
    found += ["not interleaved"] if row.interleaved is False else []
    return found + ([row.trust] if row.trust in ("disputed", "retracted") else [])


def verdict(row: BoardRow) -> str:
    """The metric beside that of the reference, in a word, see `verdict_word`."""
    if row.method == row.reference:
        return "reference"
    return verdict_word(row.equivalent, row.p_value, row.difference)


def verdict_word(equivalent: bool | None, p_value: float | None, difference: float | None) -> str:
    """`same` where a test of equivalence says so, else `better` or `worse` where a test of the difference does, else
    `unclear`, as neither decides."""
    if equivalent:
        return "same"
    if p_value is None or difference is None:
        return words.NOTHING
    if p_value < _SIGNIFICANT:
        return "better" if difference > 0 else "worse"
    return "unclear"


def machine(row: BoardRow, machines: Mapping[str, MachineRecord]) -> str:
    """The model of what the row ran on."""
    return machine_words(row.machine_id, row.device, machines)


def machine_words(machine_id: str, device: str, machines: Mapping[str, MachineRecord]) -> str:
    """The model of a machine's GPU or, for trials on the CPU, of its CPU."""
    known = machines.get(machine_id)
    if known is None:
        return machine_id
    return known.gpu_model if device != "cpu" and known.gpu_model else f"{known.cpu_model}, {known.cpu_cores} cores"


def _metric_pictures(rows: Sequence[BoardRow]) -> list[str | None]:
    # each dataset has its own scale, because 40 % on one is no worse than 90 % on another
    pictures: list[str | None] = [None] * len(rows)
    for dataset in {row.dataset for row in rows}:
        own = [index for index, row in enumerate(rows) if row.dataset == dataset]
        drawn = metric_pictures([(rows[index].mean, rows[index].ci_low, rows[index].ci_high) for index in own])
        for index, picture in zip(own, drawn, strict=True):
            pictures[index] = picture
    return pictures


def _is_blank(cell: Any) -> bool:
    return cell is None or cell != cell or (isinstance(cell, str | list) and not cell)


def _field(name: str) -> Callable[[BoardRow], object]:
    return lambda row: getattr(row, name)


def _hundredfold(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _points(value: float | None) -> str:
    return words.points(None if value is None else value / 100)


def _share(value: float | None) -> str:
    return words.percent(value, 0)


def _percent(value: float | None) -> str:
    return words.percent(None if value is None else value / 100)

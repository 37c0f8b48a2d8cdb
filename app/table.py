"""The board as a table: one row a (dataset, method) of each protocol and machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from pandas.io.formats.style import Styler

from app import format as words
from app.intervals import Ends, metric_pictures, ratio_pictures
from db.records import MachineRecord
from db.scoring.board import BoardRow, as_json

RATIOS = {"time": words.TIME, "memory": words.MEMORY, "target": words.TARGET}
"""The stems of the fields of `BoardRow` that hold a ratio, with their words."""

CHEAPER, DEARER = "background-color: rgba(0,114,178,0.18)", "background-color: rgba(213,94,0,0.20)"

_SIGNIFICANT = 0.05


def frame(rows: Sequence[BoardRow], machines: Mapping[str, MachineRecord]) -> pd.DataFrame:
    """One line a row, with numbers as numbers (metric in percent), so that a table sorts them; pictures are URLs."""
    columns: dict[str, list[object]] = {
        "method": [row.method for row in rows],
        "dataset": [row.dataset for row in rows],
        "score": [None if row.mean is None else 100 * row.mean for row in rows],
        "score_interval": list(_metric_pictures(rows)),
        "marks": [marks(row) for row in rows],
    }
    for stem in RATIOS:
        figures = [_ends(row, f"{stem}_ratio") for row in rows]
        columns[f"{stem}_ratio"] = [figure[0] for figure in figures]
        columns[f"{stem}_interval"] = list(ratio_pictures(figures))
    plain: dict[str, Callable[[BoardRow], object]] = {
        "same_metric": verdict,
        "p_value": lambda row: row.p_value,
        "n": lambda row: row.n,
        "seconds": lambda row: row.scored_seconds,
        "memory": lambda row: row.peak_memory_bytes,
        "energy": lambda row: row.energy_joules,
        "failures": lambda row: words.failures(row.failures),
        "metric": lambda row: words.words(row.metric),
        "device": lambda row: row.device,
        "machine": lambda row: machine(row, machines),
        "protocol": lambda row: row.preset or row.protocol,
        "trust": lambda row: words.words(row.trust),
    }
    columns |= {name: [cell(row) for row in rows] for name, cell in plain.items()}
    numeric = ["score", *(f"{stem}_ratio" for stem in RATIOS), "p_value", "seconds", "memory", "energy"]
    return pd.DataFrame(columns).astype(dict.fromkeys(numeric, float))


def styled(table: pd.DataFrame, rows: Sequence[BoardRow]) -> Styler:
    """The table with its numbers in words, and a tint where an interval leaves out the reference's 1."""
    style = table.style.format(
        {
            "score": _percent,
            **{f"{stem}_ratio": _ratio_in(wording) for stem, wording in RATIOS.items()},
            "p_value": words.p_value,
            "seconds": words.seconds,
            "memory": words.size,
            "energy": words.joules,
        },
        na_rep=words.NOTHING,
    )
    for stem in RATIOS:
        tints = [_tint(row, f"{stem}_ratio") for row in rows]
        style = style.apply(lambda _, tints=tints: tints, subset=[f"{stem}_ratio"])
    return style


def csv(rows: Sequence[BoardRow]) -> str:
    """All fields of the rows at full precision, as comma-separated values with a line of names."""
    return pd.DataFrame(as_json(rows)).to_csv(index=False)


def marks(row: BoardRow) -> list[str]:
    """What a reader should know before believing a row, and whether it lies on the front."""
    found = ["front"] if row.pareto and row.status != "failed" else []
    found += [row.status] if row.status != "ranked" else []
    found += ["not interleaved"] if row.interleaved is False else []
    return found + ([row.trust] if row.trust in ("disputed", "retracted") else [])


def verdict(row: BoardRow) -> str:
    """The metric beside that of the reference, in a word; `unclear` where neither test decides."""
    if row.method == row.reference:
        return "reference"
    if row.equivalent:
        return "same"
    if row.p_value is None or row.difference is None:
        return words.NOTHING
    if row.p_value < _SIGNIFICANT:
        return "better" if row.difference > 0 else "worse"
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


def _ends(row: BoardRow, name: str) -> Ends:
    return getattr(row, name), getattr(row, f"{name}_low"), getattr(row, f"{name}_high")


def _percent(value: float | None) -> str:
    return words.percent(None if value is None else value / 100)


def _ratio_in(wording: words.Wording) -> Callable[[float | None], str]:
    return lambda ratio: f"{words.ratio_interval(ratio, None, None)} · {words.ratio_words(ratio, wording)}"


def _tint(row: BoardRow, name: str) -> str:
    _, low, high = _ends(row, name)
    if low is None or high is None or low <= 1 <= high:
        return ""
    return CHEAPER if high < 1 else DEARER

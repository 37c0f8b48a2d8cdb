"""`leangnn board` and `leangnn compare`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.cli import output
from bench.cli.words import store_to_show
from bench.errors import BenchError, UsageError
from db.read import Reader
from db.scoring.board import BoardRow
from db.scoring.board import as_json as board_json

_BOARD_COLUMNS = (
    "dataset", "method", "preset", "metric", "% ± 95 %", "n", "time ratio", "memory ratio", "target ratio", "time",
    "memory", "same metric", "status",
)  # fmt: skip
_COMPARISON_COLUMNS = (
    "dataset", "n", "metric difference, points", "p", "same metric", "time ratio", "memory ratio", "target ratio",
)  # fmt: skip
_EQUIVALENT = {True: "yes", False: "not shown", None: output.NONE}


def show_board(db: str, filters: dict[str, Any], as_json: bool) -> None:
    """Print the board."""
    db = store_to_show(db)
    rows = Reader(db).board(**filters)
    if as_json:
        output.print_json(board_json(rows))
        return
    if not rows:
        what = "matches" if filters else "is stored yet; start with: leangnn run quick"
        print(f"Nothing {what} ({db}).")
        return
    output.print_table(_BOARD_COLUMNS, [_cells(row) for row in rows], numeric=range(4, 11))
    print("Ratios are to the paired full-batch reference of the same backbone: 0.50 is half the cost.")
    _say_not_interleaved(rows)
    if any(row.time_ratio is None and row.n and row.method != row.reference for row in rows):
        print("A row without ratios has no reference under its protocol; rows of several processes never have one.")
    print("● is on the Pareto front of metric, time and memory. Fewer than ten splits or seeds make a row provisional.")


def _say_not_interleaved(rows: Sequence[BoardRow]) -> None:
    if any(row.interleaved is False for row in rows):
        print("~ marks a time ratio whose two sides ran in different sessions, so not interleaved.")


def _cells(row: BoardRow) -> tuple[str, ...]:
    failures = ", ".join(f"{count} {status}" for status, count in row.failures.items())
    return (
        row.dataset,
        f"{'● ' if row.pareto else '  '}{row.method}",
        row.preset or "",
        row.metric,
        output.interval(row.mean, row.ci_low, row.ci_high),
        output.cells(row),
        _time_ratio(row),
        output.ratio(row.memory_ratio, row.memory_ratio_low, row.memory_ratio_high),
        output.ratio(row.target_ratio, row.target_ratio_low, row.target_ratio_high),
        output.seconds(row.scored_seconds),
        output.megabytes(row.peak_memory_bytes),
        _equivalence(row),
        f"{row.status} ({failures})" if failures else row.status,
    )


def _time_ratio(row: BoardRow) -> str:
    """The ratio, marked where candidate and reference ran in different sessions."""
    text = output.ratio(row.time_ratio, row.time_ratio_low, row.time_ratio_high)
    return f"~{text}" if row.interleaved is False else text


def _equivalence(row: BoardRow) -> str:
    if row.method == row.reference:
        return "reference"
    return _EQUIVALENT[row.equivalent]


def show_comparison(db: str, first: str, second: str, as_json: bool) -> None:
    """Print the paired comparison of two methods, one line a dataset and protocol."""
    reader = Reader(store_to_show(db))
    names = {method.name for method in reader.methods()}
    first, second = (_stored_name(word, names) for word in (first, second))
    rows = [row for row in reader.beside([first], second) if row.method != second and row.paired]
    if not rows:
        raise BenchError(f"{first} and {second} share no dataset, split and seed under one protocol; run both first")
    if as_json:
        output.print_json([_comparison(row) for row in board_json(rows)])
        return
    print(f"{first}  against  {second}")
    output.print_table(_COMPARISON_COLUMNS, [_comparison_cells(row) for row in rows], numeric=(1, 2, 3, 5, 6, 7))
    _say_not_interleaved(rows)


def _comparison(row: dict[str, Any]) -> dict[str, Any]:
    """What a row of the board says of a method beside another one."""
    ratios = ("difference", "time_ratio", "memory_ratio", "target_ratio")
    figures = (
        "p_value",
        "equivalent",
        "interleaved",
        *(f"{name}{end}" for name in ratios for end in ("", "_low", "_high")),
    )
    return {
        **{name: row[name] for name in ("dataset", "protocol", "device")},
        "n": row["paired"],
        "first": row["method"],
        "second": row["reference"],
        **{name: row[name] for name in figures},
    }


def _comparison_cells(row: BoardRow) -> tuple[str, ...]:
    return (
        row.dataset,
        str(row.paired),
        output.interval(row.difference, row.difference_low, row.difference_high),
        output.NONE if row.p_value is None else f"{row.p_value:.3f}",
        _EQUIVALENT[row.equivalent],
        _time_ratio(row),
        output.ratio(row.memory_ratio, row.memory_ratio_low, row.memory_ratio_high),
        output.ratio(row.target_ratio, row.target_ratio_low, row.target_ratio_high),
    )


def _stored_name(word: str, names: set[str]) -> str:
    """The stored method a word means; `gcn` means `gcn+full_batch`."""
    from methods.spec import nearest

    for name in (word, f"{word}+full_batch"):
        if name in names:
            return name
    raise UsageError(f"no stored method is called '{word}'; {nearest(word, names) if names else 'the store is empty'}")

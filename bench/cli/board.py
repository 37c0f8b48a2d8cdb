"""`leangnn board` and `leangnn compare`."""

from __future__ import annotations

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
    if any(row.interleaved is False for row in rows):
        print("~ marks a time ratio whose two sides ran in different sessions, so not interleaved.")
    if any(row.time_ratio is None and row.n and row.method != row.reference for row in rows):
        print("A row without ratios has no reference under its protocol; rows of several processes never have one.")
    print("● is on the Pareto front of metric, time and memory. Fewer than ten splits or seeds make a row provisional.")


def _cells(row: BoardRow) -> tuple[str, ...]:
    failures = ", ".join(f"{count} {status}" for status, count in row.failures.items())
    return (
        row.dataset,
        f"{'● ' if row.pareto else '  '}{row.method}",
        row.preset or "",
        row.metric,
        output.interval(row.mean, row.ci_low, row.ci_high),
        str(row.n),
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
    from db.scoring.comparison import compare

    reader = Reader(store_to_show(db))
    names = {method.name for method in reader.methods()}
    chosen = [_stored_name(word, names) for word in (first, second)]
    trials = reader.trials(method=chosen)
    curves = reader.curves(trial.trial_id for trial in trials)
    places: dict[tuple[str, str, str, str], list[list[Any]]] = {}
    for trial in trials:
        place = (trial.dataset, trial.protocol, trial.device, trial.machine_id)
        sides = places.setdefault(place, [[], []])
        sides[chosen.index(trial.method)].append(trial)
    results = []
    for (dataset, protocol, device, _), (candidate, reference) in sorted(places.items()):
        figures = compare(candidate, reference, curves)
        if figures.pairs:
            results.append({"dataset": dataset, "protocol": protocol, "device": device, "n": len(figures.pairs),
                            "first": chosen[0], "second": chosen[1], **_figures(figures)})  # fmt: skip
    if not results:
        raise BenchError(
            f"{chosen[0]} and {chosen[1]} share no dataset, split and seed under one protocol; run both first"
        )
    if as_json:
        output.print_json(results)
        return
    print(f"{chosen[0]}  against  {chosen[1]}")
    output.print_table(
        _COMPARISON_COLUMNS, [_comparison_cells(result) for result in results], numeric=(1, 2, 3, 5, 6, 7)
    )


def _figures(figures: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"p_value": figures.p_value, "equivalent": figures.equivalent}
    for name in ("difference", "time_ratio", "memory_ratio", "target_ratio"):
        value, low, high = getattr(figures, name) or (None, None, None)
        values |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return values


def _comparison_cells(result: dict[str, Any]) -> tuple[str, ...]:
    spread = (
        f"{name}{end}" for name in ("time_ratio", "memory_ratio", "target_ratio") for end in ("", "_low", "_high")
    )
    figures = [result[key] for key in spread]
    return (
        result["dataset"],
        str(result["n"]),
        output.interval(result["difference"], result["difference_low"], result["difference_high"]),
        output.NONE if result["p_value"] is None else f"{result['p_value']:.3f}",
        _EQUIVALENT[result["equivalent"]],
        *(output.ratio(*figures[start : start + 3]) for start in (0, 3, 6)),
    )


def _stored_name(word: str, names: set[str]) -> str:
    """The stored method a word means; `gcn` means `gcn+full_batch`."""
    from methods.spec import nearest

    for name in (word, f"{word}+full_batch"):
        if name in names:
            return name
    raise UsageError(f"no stored method is called '{word}'; {nearest(word, names) if names else 'the store is empty'}")

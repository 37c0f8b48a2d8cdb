"""`leangnn reproduce`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import typer

from bench.cli import output
from bench.cli.run import execute
from bench.cli.words import FAILED, INTERRUPTED, How, store_to_show
from bench.plan import PlannedTrial, parse_numbers, plan
from bench.reproduction.figures import Listed, figures
from bench.reproduction.findings import ListedFinding, findings
from bench.reproduction.ours import Ours, runs
from bench.suite import Suite
from db.parquet import is_snapshot
from db.published import beside, record_published
from db.read import Reader
from db.scoring.published import Cell, Verdict, as_json, cells
from db.scoring.released import Effect
from db.scoring.released import as_json as effects_json
from db.store import Store
from methods.spec import parse_spec

_COLUMNS = ("cell", "published", "ours, 95 %", "n", "difference, 95 %", "verdict", "why, or what runs it")
_FINDING_COLUMNS = ("finding", "rows", "effect, 95 %", "n", "why, or what runs it")


@dataclass(frozen=True)
class Selection:
    """Which figures to show, and what to run first; `splits` and `seeds` narrow what is run."""

    paper: str
    datasets: tuple[str, ...]
    splits: str | None
    seeds: str | None
    run_missing: bool


def reproduce_paper(selection: Selection, how: How, to_json: bool) -> None:
    """Store what the paper published, run what is asked for, and print ours beside it.

    A snapshot is read and left as it is; so are the results of the checkout where nothing is measured yet.

    Raises:
        UsageError: there is no such paper.
    """
    listed, found = figures(selection.paper), findings(selection.paper)
    db = how.db if selection.run_missing else store_to_show(how.db)
    if not is_snapshot(db):
        record_published(Store(db), selection.paper, [each.figure for each in listed], [each.finding for each in found])
    ended = _run(_planned(listed, found, selection), how, selection) if selection.run_missing else None
    reader = Reader(db)
    shown = [each.figure for each in listed if _is_asked(each.figure.dataset, selection)]
    told = [each.finding for each in found if _is_asked((each.finding.corrected or {}).get("dataset"), selection)]
    ours = beside(reader, shown, told)
    rows = reader.board(dataset={figure.dataset for figure in shown if figure.dataset is not None})
    compared, effects = cells(shown, rows, ours.measured), ours.effects
    if to_json:
        output.print_json({"figures": as_json(compared), "findings": effects_json(effects)})
    else:
        _print(compared, effects)
    if ended is not None:
        raise typer.Exit(ended)


def _is_asked(dataset: str | None, selection: Selection) -> bool:
    if not selection.datasets:
        return True
    return dataset is not None and bool({dataset, parse_spec(dataset).name} & set(selection.datasets))


def _planned(listed: Iterable[Listed], found: Iterable[ListedFinding], selection: Selection) -> list[PlannedTrial]:
    """All trials behind the figures and findings that are asked for; the runner leaves out what is stored."""
    wanted = [each.ours for each in listed if each.ours is not None]
    wanted += [side for each in found for side in each.sides]
    chosen = [_limited(ours, selection) for ours in wanted if _is_asked(ours.dataset, selection)]
    blocks = [block for ours in chosen for block in runs(ours)]
    return plan(Suite(question="figures that were published", run=blocks)) if blocks else []


def _limited(ours: Ours, selection: Selection) -> Ours:
    limits = {"splits": selection.splits, "seeds": selection.seeds}
    changes = {}
    for name, text in limits.items():
        if text is not None:
            allowed = parse_numbers(text, name)
            # a figure with none of these keeps its first, so that there is something to run
            own = getattr(ours, name)
            changes[name] = [number for number in own if number in allowed] or own[:1]
    return ours.model_copy(update=changes)


def _run(trials: Sequence[PlannedTrial], how: How, selection: Selection) -> int | None:
    """Run, and the exit code where something went wrong."""
    if not trials:
        return None
    report = execute(trials, how, f"reproduce {selection.paper}")
    return INTERRUPTED if report.interrupted else None if report.all_well else FAILED


def _print(compared: Sequence[Cell], effects: Sequence[Effect]) -> None:
    for place, members in groupby(compared, key=lambda cell: cell.figure.place):
        own = list(members)
        print(f"{place}\n{own[0].figure.source}")
        output.print_table(_COLUMNS, [_row(cell) for cell in own], numeric=range(1, 5))
    if effects:
        print("What the released code does differently: release minus our reading of the paper")
        output.print_table(_FINDING_COLUMNS, [_finding_row(each) for each in effects], numeric=(2, 3))
    counts = Counter(cell.verdict for cell in compared)
    print(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
    print(
        "Reproduced: the published value lies in our 95 % interval widened by the published spread, or our interval "
        "lies within 0.5 points of it (5 % for a ratio). * marks fewer than ten splits or seeds."
    )


def _row(cell: Cell) -> tuple[str, ...]:
    figure = cell.figure
    is_metric = figure.quantity.endswith("_metric")
    say = _percent if is_metric else _plain
    spread = f" ± {say(figure.spread)}" if figure.spread is not None else ""
    return (
        cell.label,
        output.NONE if figure.value is None else f"{say(figure.value)}{spread}",
        _with_ends(say, cell.ours, cell.low, cell.high),
        f"{cell.n}{'*' if cell.provisional else ''}" if cell.n else output.NONE,
        _with_ends(say, cell.difference, cell.difference_low, cell.difference_high, sign="+"),
        cell.verdict.value,
        _why(cell.reason, figure.command if cell.ours is None else None),
    )


def _finding_row(each: Effect) -> tuple[str, ...]:
    finding = each.finding
    label = finding.finding_id.split("/", 2)[2:]
    return (
        finding.title,
        label[0] if label else output.NONE,
        _effect(each),
        str(each.n) if each.n else output.NONE,
        _why(each.reason, finding.command if each.value is None else None),
    )


def _effect(each: Effect) -> str:
    if each.value is None:
        return "not measurable" if each.finding.quantity is None else "not run"
    if each.is_ratio:
        return f"{_with_ends(_plain, *each.value)} times"
    return f"{_with_ends(_percent, *each.value, sign='+')} points"


def _why(reason: str, command: str | None) -> str:
    return ": ".join(filter(None, (reason, (command or "").replace("\n", " ; "))))


def _with_ends(
    say: Callable[[float], str], value: float | None, low: float | None, high: float | None, sign: str = ""
) -> str:
    if value is None:
        return output.NONE
    shown = f"{'+' if sign and value >= 0 else ''}{say(value)}"
    return shown if low is None or high is None else f"{shown} ({say(low)} to {say(high)})"


def _percent(value: float) -> str:
    return output.percent(value)


def _plain(value: float) -> str:
    return f"{value:.4g}"

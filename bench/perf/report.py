"""What a speed comparison says: tables of variants, goals that hold or not, and the setting they were measured in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from bench.perf.interleave import Summary
from db.scoring.intervals import Interval


@dataclass(frozen=True)
class Table:
    """Variants that were interleaved; every ratio is to `baseline`."""

    title: str
    baseline: str
    rows: list[Summary]

    def as_json(self) -> dict[str, Any]:
        return {"title": self.title, "baseline": self.baseline, "rows": [_row(row) for row in self.rows]}

    def __rich__(self) -> RichTable:
        drawn = RichTable(title=self.title, title_justify="left")
        drawn.add_column("variant")
        measured = any(row.peak_bytes is not None for row in self.rows)
        for heading in ("median", "time ratio", *(("peak", "memory ratio") if measured else ())):
            drawn.add_column(heading, justify="right")
        for row in self.rows:
            cells = [row.variant, format_seconds(row.seconds), format_ratio(row.ratio)]
            if measured:
                cells += [format_bytes(row.peak_bytes), format_ratio(row.memory_ratio)]
            drawn.add_row(*cells)
        drawn.caption = f"ratios to {self.baseline} with their 95 % interval"
        return drawn


Figure = Interval | float | None
"""A figure with or without an interval; None where it could not be had."""


@dataclass(frozen=True)
class Figures:
    """Figures that are neither times nor memory, such as accuracies.

    Attributes:
        columns: what each figure of a row is.
        rows: a variant and its figures, one a column.
    """

    title: str
    columns: list[str]
    rows: list[tuple[str, list[Figure]]]

    def as_json(self) -> dict[str, Any]:
        rows = [
            {"variant": variant, "figures": dict(zip(self.columns, map(_plain, figures), strict=True))}
            for variant, figures in self.rows
        ]
        return {"title": self.title, "rows": rows}

    def __rich__(self) -> RichTable:
        drawn = RichTable(title=self.title, title_justify="left")
        drawn.add_column("variant", overflow="fold")  # names end with what tells them apart
        for heading in self.columns:
            drawn.add_column(heading, justify="right")
        for variant, figures in self.rows:
            drawn.add_row(variant, *map(format_figure, figures))
        drawn.caption = "means with their 95 % interval"
        return drawn


@dataclass(frozen=True)
class Goal:
    """A bound that the figures must keep: `value` at most `bound`, or `at_least` that.

    `value` is None where nothing could be measured, and then the goal does not hold.
    """

    text: str
    value: float | None
    bound: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        if self.value is None:
            return False
        return self.value >= self.bound if self.at_least else self.value <= self.bound


@dataclass(frozen=True)
class Report:
    """The outcome of one comparison; prints itself with rich.

    Attributes:
        setting: what the figures depend on: graph, threads, rounds.
    """

    title: str
    setting: dict[str, Any]
    tables: Sequence[Table | Figures]
    goals: list[Goal] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every goal is kept."""
        return all(goal.holds for goal in self.goals)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; intervals are {"value", "low", "high"}, seconds and bytes are plain numbers."""
        return {
            "title": self.title,
            "setting": self.setting,
            "tables": [table.as_json() for table in self.tables],
            "goals": [{**asdict(goal), "holds": goal.holds} for goal in self.goals],
            "holds": self.holds,
        }

    def print(self) -> None:
        """Draw the tables and goals on the standard output."""
        Console().print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield Text(self.title, style="bold")
        yield Text(", ".join(f"{name} {value}" for name, value in self.setting.items()), style="dim")
        yield from self.tables
        for goal in self.goals:
            value = "not measured" if goal.value is None else f"{goal.value:.4g}"
            mark, style = ("holds", "green") if goal.holds else ("missed", "red")
            sense = "at least" if goal.at_least else "at most"
            yield Text.assemble((f"{mark:>6} ", style), f" {goal.text}: {value}, {sense} {goal.bound:g}")


def _row(row: Summary) -> dict[str, Any]:
    return {
        "variant": row.variant,
        "seconds": row.seconds,
        "peak_bytes": row.peak_bytes,
        "ratio": _plain(row.ratio),
        "memory_ratio": _plain(row.memory_ratio),
    }


def _plain(figure: Figure) -> Any:
    return figure._asdict() if isinstance(figure, Interval) else figure


def format_seconds(seconds: float) -> str:
    """Seconds, or milliseconds below one second."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def format_bytes(count: int | None) -> str:
    """Megabytes of 10^6 bytes, or a dash."""
    return "-" if count is None else f"{count / 1e6:,.0f} MB"


def format_ratio(ratio: Interval | None) -> str:
    """A ratio with its interval; the interval is left out where one round gives none."""
    return _with_interval(ratio, ".3f")


def format_figure(figure: Figure) -> str:
    """A figure to four digits with its interval, or a dash."""
    return _with_interval(figure, ".4g") if isinstance(figure, Interval | None) else f"{figure:.4g}"


def _with_interval(figure: Interval | None, how: str) -> str:
    if figure is None:
        return "-"
    if figure.low is None or figure.high is None:
        return f"{figure.value:{how}}"
    return f"{figure.value:{how}} [{figure.low:{how}}, {figure.high:{how}}]"

"""What a speed comparison says: tables of variants, goals that hold or not, and the setting they were measured in."""

from __future__ import annotations

from collections.abc import Iterator
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


@dataclass(frozen=True)
class Goal:
    """A bound that the figures must keep: `value` at most `bound`.

    `value` is None where nothing could be measured, and then the goal does not hold.
    """

    text: str
    value: float | None
    bound: float

    @property
    def holds(self) -> bool:
        return self.value is not None and self.value <= self.bound


@dataclass(frozen=True)
class Report:
    """The outcome of one comparison; prints itself with rich.

    Attributes:
        setting: what the figures depend on: graph, threads, rounds.
    """

    title: str
    setting: dict[str, Any]
    tables: list[Table]
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
            "tables": [
                {"title": table.title, "baseline": table.baseline, "rows": [_row(row) for row in table.rows]}
                for table in self.tables
            ],
            "goals": [{**asdict(goal), "holds": goal.holds} for goal in self.goals],
            "holds": self.holds,
        }

    def print(self) -> None:
        """Draw the tables and goals on the standard output."""
        Console().print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield Text(self.title, style="bold")
        yield Text(", ".join(f"{name} {value}" for name, value in self.setting.items()), style="dim")
        for table in self.tables:
            yield _rich_table(table)
        for goal in self.goals:
            value = "not measured" if goal.value is None else f"{goal.value:.3g}"
            mark, style = ("holds", "green") if goal.holds else ("missed", "red")
            yield Text.assemble((f"{mark:>6} ", style), f" {goal.text}: {value}, at most {goal.bound:g}")


def _row(row: Summary) -> dict[str, Any]:
    ratios = {name: getattr(row, name) for name in ("ratio", "memory_ratio")}
    return {
        "variant": row.variant,
        "seconds": row.seconds,
        "peak_bytes": row.peak_bytes,
        **{name: None if ratio is None else ratio._asdict() for name, ratio in ratios.items()},
    }


def _rich_table(table: Table) -> RichTable:
    drawn = RichTable(title=table.title, title_justify="left")
    drawn.add_column("variant")
    measured = any(row.peak_bytes is not None for row in table.rows)
    for heading in ("median", "time ratio", *(("peak", "memory ratio") if measured else ())):
        drawn.add_column(heading, justify="right")
    for row in table.rows:
        cells = [row.variant, format_seconds(row.seconds), format_ratio(row.ratio)]
        if measured:
            cells += [format_bytes(row.peak_bytes), format_ratio(row.memory_ratio)]
        drawn.add_row(*cells)
    drawn.caption = f"ratios to {table.baseline} with their 95 % interval"
    return drawn


def format_seconds(seconds: float) -> str:
    """Seconds, or milliseconds below one second."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def format_bytes(count: int | None) -> str:
    """Megabytes of 10^6 bytes, or a dash."""
    return "-" if count is None else f"{count / 1e6:,.0f} MB"


def format_ratio(ratio: Interval | None) -> str:
    """A ratio with its interval; the interval is left out where one round gives none."""
    if ratio is None:
        return "-"
    if ratio.low is None or ratio.high is None:
        return f"{ratio.value:.3f}"
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"

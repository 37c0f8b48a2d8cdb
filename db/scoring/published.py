"""Published figures beside ours: a pure function from figures and rows of the board to one cell a figure.

A cell is `reproduced` where the published value lies in our 95 % interval widened on both sides by the published
spread, or where our whole interval lies within the margin of it: `METRIC_MARGIN` for a metric, the share `RATIO_MARGIN`
of the value for a ratio. A wide interval reproduces much, so read `n` with the verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from db.records import PublishedFigure
from db.scoring.board import BoardRow
from db.scoring.board_columns import RANKED_FROM
from db.scoring.equivalence import MARGIN

METRIC_MARGIN = MARGIN
"""Half a percentage point, as on the board."""
RATIO_MARGIN = 0.05
UNREAD = "the published value could not be read"

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Verdict(StrEnum):
    """What a published figure and ours say of each other."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_COMPARABLE = "not comparable"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Measured:
    """Settings under which trials of a method on a dataset were measured."""

    dataset: str
    dataset_version: str
    method: str
    protocol: str
    device: str
    machine_id: str
    settings: dict[str, Any]
    validation: float | None
    """Mean validation metric of these trials; None where none has one."""


@dataclass(frozen=True)
class Cell:
    """A published figure, ours, and the verdict. A figure that cannot be had is None."""

    figure: PublishedFigure
    verdict: Verdict
    reason: str = ""
    """Why there is no comparison; empty where there is one."""
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    """Ends of our 95 % interval."""
    n: int = 0
    """Splits and seeds behind ours; fewer than ten are provisional."""
    difference: float | None = None
    """Ours minus the published value; its ends are those of our interval, widened by the published spread."""
    difference_low: float | None = None
    difference_high: float | None = None
    device: str | None = None
    machine_id: str | None = None

    @property
    def label(self) -> str:
        """Column and row of the figure's table."""
        _, _, column, row = self.figure.figure_id.split("/", 3)
        return f"{column}, {row}" if column else row

    @property
    def provisional(self) -> bool:
        """Whether there is a figure of ours, of too few splits and seeds to be ranked."""
        return self.ours is not None and self.n < RANKED_FROM


def cells(figures: Iterable[PublishedFigure], rows: Iterable[BoardRow], measured: Iterable[Measured]) -> list[Cell]:
    """One cell a figure, in their order.

    Of several rows that fit, one with ten splits or seeds goes first; then, where a figure allows several settings, the
    one with the best mean validation metric; then the one with the most splits and seeds, then the newest.
    """
    known = {_place(each): each for each in measured}
    by_method: dict[tuple[str, str], list[BoardRow]] = defaultdict(list)
    for row in rows:
        by_method[row.dataset, row.method].append(row)
    return [_cell(figure, _ours(figure, by_method, known)) for figure in figures]


def fits(settings: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the settings of a protocol are the wanted ones; a list holds several that will do."""
    return all(
        settings.get(name) in value if isinstance(value, list) else settings.get(name) == value
        for name, value in wanted.items()
    )


def as_json(all_cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """Plain dictionaries: the fields of the figure, then those of the cell."""
    plain = []
    for cell in all_cells:
        fields = asdict(cell)
        plain.append({**fields.pop("figure"), **fields, "provisional": cell.provisional})
    return plain


def _ours(
    figure: PublishedFigure,
    by_method: Mapping[tuple[str, str], Sequence[BoardRow]],
    known: Mapping[tuple[str, ...], Measured],
) -> BoardRow | None:
    if not figure.settings or figure.dataset is None or figure.method is None:
        return None
    found = [
        (row, known[_place(row)])
        for row in by_method.get((figure.dataset, figure.method), ())
        if _place(row) in known and fits(known[_place(row)].settings, figure.settings)
    ]
    several = any(isinstance(value, list) for value in figure.settings.values())

    def preference(candidate: tuple[BoardRow, Measured]) -> tuple[bool, float, int, datetime]:
        row, place = candidate
        validation = place.validation if several and place.validation is not None else 0.0
        return row.n >= RANKED_FROM, validation, row.n, row.measured_at or _LONG_AGO

    return max(found, key=preference)[0] if found else None


def _cell(figure: PublishedFigure, row: BoardRow | None) -> Cell:
    ours, low, high = (None, None, None) if row is None else _value(row, figure.quantity)
    beside: dict[str, Any] = {"ours": ours, "low": low, "high": high}
    if row is not None:
        beside |= {"n": row.n, "device": row.device, "machine_id": row.machine_id}
    if ours is not None and figure.value is not None:
        spread = figure.spread or 0.0
        beside["difference"] = ours - figure.value
        if low is not None and high is not None:
            beside |= {
                "difference_low": low - figure.value - spread,
                "difference_high": high - figure.value + spread,
            }
    verdict, reason = _verdict(figure, row, ours, low, high)
    return Cell(figure, verdict, reason, **beside)


def _verdict(
    figure: PublishedFigure, row: BoardRow | None, ours: float | None, low: float | None, high: float | None
) -> tuple[Verdict, str]:
    if figure.not_comparable:
        return Verdict.NOT_COMPARABLE, figure.not_comparable
    if figure.value is None:
        return Verdict.NOT_COMPARABLE, UNREAD
    if row is None:
        return Verdict.NOT_RUN, "no trials with these settings"
    if ours is None:
        return Verdict.NOT_RUN, _nothing(figure, row)
    if low is None or high is None:
        return Verdict.NOT_COMPARABLE, "one split or seed of ours gives no interval"
    spread = figure.spread or 0.0
    margin = METRIC_MARGIN if figure.quantity == "test_metric" else RATIO_MARGIN * figure.value
    covered = low - spread <= figure.value <= high + spread
    equivalent = figure.value - margin <= low and high <= figure.value + margin
    return (Verdict.REPRODUCED if covered or equivalent else Verdict.NOT_REPRODUCED), ""


def _nothing(figure: PublishedFigure, row: BoardRow) -> str:
    if row.mean is None:
        ends = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in row.failures.items())
        return f"no trial of ours has a metric: {ends}"
    return f"our trials have no {figure.quantity.replace('_', ' ')}"


def _value(row: BoardRow, quantity: str) -> tuple[float | None, float | None, float | None]:
    if quantity == "test_metric":
        return row.mean, row.ci_low, row.ci_high
    return tuple(getattr(row, f"{quantity}{end}", None) for end in ("", "_low", "_high"))  # type: ignore[return-value]


def _place(item: Measured | BoardRow) -> tuple[str, ...]:
    return item.dataset, item.dataset_version, item.method, item.protocol, item.device, item.machine_id

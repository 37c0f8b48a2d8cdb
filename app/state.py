"""What the reader chose: filters as plain values, without Streamlit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from db.scoring.board import BoardRow

FIELDS = ("dataset", "backbone", "strategy", "rescaler", "quantizer", "track", "device", "trust")
"""The fields of `BoardRow` that can be chosen, in the order they are offered; also the names in the URL."""

RANKED = "ranked"
"""The name in the URL of the choice to see ranked rows only."""

_PARTS = ("backbone", "strategy", "rescaler", "quantizer")

Choices = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Filters:
    """Chosen values by field; a field without any lets every row pass."""

    chosen: Choices = field(default_factory=dict)
    only_ranked: bool = False

    @property
    def any(self) -> bool:
        """Whether something is filtered at all."""
        return self.only_ranked or any(self.chosen.values())


def value(row: BoardRow, name: str) -> str:
    """The value of a row under which it is chosen: of a part its name without parameters, `none` where it has none."""
    found = getattr(row, name)
    if found is None:
        return "none"
    return str(found).partition("(")[0] if name in _PARTS else str(found)


def choices(rows: Iterable[BoardRow]) -> dict[str, list[str]]:
    """All values by field, sorted, with `none` first."""
    rows = list(rows)
    return {
        name: sorted({value(row, name) for row in rows}, key=lambda word: (word != "none", word)) for name in FIELDS
    }


def apply(rows: Iterable[BoardRow], filters: Filters) -> list[BoardRow]:
    """The rows that match every field, in their order."""
    return [row for row in rows if _passes(row, filters)]


def unknown(query: Mapping[str, Sequence[str]], known: Choices) -> list[str]:
    """The words of a URL that name nothing on the board, as `field=word`."""
    return [f"{name}={word}" for name in FIELDS for word in query.get(name, ()) if word not in known[name]]


def _passes(row: BoardRow, filters: Filters) -> bool:
    if filters.only_ranked and row.status != "ranked":
        return False
    return all(not wanted or value(row, name) in wanted for name, wanted in filters.chosen.items())

"""The rows that a bundle makes on the board and where they would stand, by the board's own scoring."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from db import trust
from db.bundle.records import Addition
from db.bundle.report import Place
from db.read import Reader
from db.scoring.board import BoardRow
from db.store import Store


def board_rows(addition: Addition) -> list[BoardRow]:
    """The rows of the submitted method, scored in an empty store that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="leangnn-preview-") as folder:
        path = Path(folder) / "preview.duckdb"
        trust.add(Store(path), addition, report={}, who="preview", why="to see the rows that it makes")
        return Reader(path).board(method=addition.manifest.method.name)


def places(rows: Iterable[BoardRow], board: Iterable[BoardRow]) -> tuple[Place, ...]:
    """Where rows would stand among the board's rows of their dataset, by mean test metric."""
    means: dict[str, list[float]] = {}
    for row in board:
        if row.mean is not None:
            means.setdefault(row.dataset, []).append(row.mean)
    return tuple(
        Place(row.dataset, 1 + sum(mean > row.mean for mean in there), 1 + len(there))
        for row in rows
        if row.mean is not None
        for there in [means.get(row.dataset, [])]
    )

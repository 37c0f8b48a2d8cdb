"""Minesweeper on a grid of any size, by the recipe of Platonov et al. 2023 (arXiv:2302.11640)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.datasets.raw_files import RawFiles
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import stratified
from bench.errors import UsageError

_HIGHEST_COUNT = 5
"""The published features have six columns for the number of mines nearby; 5 stands for five and more."""


@dataset(
    "minesweeper-grid",
    metric="roc_auc",
    description="A generated grid with mines, as in minesweeper but of any size; which cell hides one",
    source="https://github.com/yandex-research/heterophilous-graphs",
)
def minesweeper_grid(
    files: RawFiles, *, side: int = 100, mines: float = 0.2, hidden: float = 0.5, seed: int = 0
) -> RawGraph:
    """Grid of side x side cells with 8 neighbours; a share `mines` of them is mined, a share `hidden` shows nothing.

    The features are those of the published file: column 0 marks a hidden cell, columns 1 to 6 are the one-hot number of
    mines nearby (0 to 5 and more), all 0 in a hidden cell. Splits: ten of 50/25/25 %, by the published rule.

    Raises:
        UsageError: a size or share that gives no such game.
    """
    if side < 4 or not 0 < mines < 1 or not 0 <= hidden < 1:
        raise UsageError(
            f"minesweeper-grid needs side >= 4, mines between 0 and 1 and hidden from 0 to below 1, not side={side}, "
            f"mines={mines}, hidden={hidden}"
        )
    cells = side * side
    generator = np.random.default_rng(seed)
    y = np.zeros(cells, np.int64)
    y[generator.choice(cells, round(mines * cells), replace=False)] = 1
    unknown = np.zeros(cells, bool)
    unknown[generator.choice(cells, round(hidden * cells), replace=False)] = True
    x = np.zeros((cells, _HIGHEST_COUNT + 2), np.float32)
    x[unknown, 0] = 1
    nearby = np.minimum(mines_nearby(y.reshape(side, side)).ravel(), _HIGHEST_COUNT)
    x[~unknown, 1 + nearby[~unknown]] = 1
    return RawGraph(x=x, edge_index=grid_edges(side), y=y, splits=stratified(y, train=0.5), classes=2)


def mines_nearby(mined: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of mined cells among the 8 neighbours of each cell of a [side, side] field."""
    rows, columns = mined.shape
    padded = np.pad(mined, 1)
    shifts = [(a, b) for a in range(3) for b in range(3) if (a, b) != (1, 1)]
    return np.sum([padded[a : a + rows, b : b + columns] for a, b in shifts], axis=0)


def grid_edges(side: int) -> NDArray[np.int64]:
    """Each pair of touching cells once, [2, E], from the lower to the higher number (row by row)."""
    number = np.arange(side * side).reshape(side, side)
    pairs = [
        (number[:, :-1], number[:, 1:]),
        (number[:-1], number[1:]),
        (number[:-1, :-1], number[1:, 1:]),
        (number[:-1, 1:], number[1:, :-1]),
    ]
    return np.concatenate([np.stack([first.ravel(), second.ravel()]) for first, second in pairs], axis=1)

"""The rules by which nodes or graphs are split where no split is published, and readers of published masks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.datasets.graph_data import Split
from bench.errors import DataError

SPLITS = 10


def from_masks(train: NDArray, valid: NDArray, test: NDArray) -> tuple[Split, ...]:
    """Splits from masks of shape [N] or [splits, N]."""
    rows = zip(np.atleast_2d(train), np.atleast_2d(valid), np.atleast_2d(test), strict=True)
    return tuple(Split(*(np.flatnonzero(mask).astype(np.int64) for mask in row)) for row in rows)


def from_geom_gcn(paths: Iterable[Path]) -> tuple[Split, ...]:
    """The split files of Geom-GCN (Pei et al. 2020): one `.npz` of three masks a split."""
    splits: tuple[Split, ...] = ()
    for path in paths:
        masks = np.load(path)
        splits += from_masks(masks["train_mask"], masks["val_mask"], masks["test_mask"])
    return splits


def stratified(y: NDArray[np.int64], train: float, splits: int = SPLITS) -> tuple[Split, ...]:
    """Stratified random splits; what is not for training is halved into validation and test; seed i gives split i.

    With `train=0.5` this is the rule that gives the ten published splits of minesweeper and tolokers exactly.
    Unlabelled entries (-1) are left out.

    Raises:
        DataError: a class is too small to be in all three parts.
    """
    from sklearn.model_selection import train_test_split

    labelled = np.flatnonzero(y >= 0)
    drawn = []
    try:
        for seed in range(splits):
            first, rest = train_test_split(labelled, test_size=1 - train, stratify=y[labelled], random_state=seed)
            valid, test = train_test_split(rest, test_size=0.5, stratify=y[rest], random_state=seed)
            drawn.append(Split(*(np.sort(part).astype(np.int64) for part in (first, valid, test))))
    except ValueError as error:
        raise DataError(f"the labels cannot be split evenly by class ({error}); give splits of your own") from error
    return tuple(drawn)


def per_class(
    y: NDArray[np.int64], train: int, valid: int, test: int | None = None, valid_per_class: bool = False
) -> tuple[Split, ...]:
    """Ten random splits with `train` nodes of each class; seed i gives split i.

    Args:
        valid: number of validation nodes, of each class when `valid_per_class` (Shchur et al. 2018: 20 and 30).
        test: number of test nodes; None takes all that is left (Planetoid's random split: 20 a class, 500, 1000).
    """
    return tuple(_draw_per_class(y, train, valid, test, valid_per_class, seed) for seed in range(SPLITS))


def _draw_per_class(
    y: NDArray[np.int64], train: int, valid: int, test: int | None, valid_per_class: bool, seed: int
) -> Split:
    generator = np.random.default_rng(seed)
    order = generator.permutation(np.flatnonzero(y >= 0))
    by_class = [order[y[order] == label] for label in range(int(y.max()) + 1)]
    first = np.concatenate([members[:train] for members in by_class])
    if valid_per_class:
        second = np.concatenate([members[train : train + valid] for members in by_class])
    else:
        second = order[~np.isin(order, first)][:valid]
    rest = order[~np.isin(order, np.concatenate([first, second]))]
    return Split(*(np.sort(part).astype(np.int64) for part in (first, second, rest[:test])))


def folds(y: NDArray[np.int64]) -> tuple[Split, ...]:
    """Stratified ten-fold cross-validation with seed 0: split i tests on fold i and selects on fold i + 1."""
    from sklearn.model_selection import StratifiedKFold

    parts = [part for _, part in StratifiedKFold(SPLITS, shuffle=True, random_state=0).split(y, y)]
    splits = []
    for number, test in enumerate(parts):
        valid = parts[(number + 1) % SPLITS]
        train = np.setdiff1d(np.arange(len(y)), np.concatenate([valid, test]))
        splits.append(Split(train.astype(np.int64), valid.astype(np.int64), test.astype(np.int64)))
    return tuple(splits)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets import registry, splits
from bench.datasets.graph_data import Split
from bench.errors import DataError

LABELS = np.repeat([0, 1], [60, 40])


def _parts(split: Split) -> list[int]:
    return np.concatenate([split.train, split.valid, split.test]).tolist()


def test_masks() -> None:
    train, valid, test = np.array([[1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 0], [1, 0, 0]]), np.array([[0, 0, 1]] * 2)
    first, second = splits.from_masks(train, valid, test)
    assert [part.tolist() for part in (first.train, first.valid, first.test)] == [[0], [1], [2]]
    assert [part.tolist() for part in (second.train, second.valid, second.test)] == [[1], [0], [2]]


def test_stratified_keeps_the_classes_shares() -> None:
    drawn = splits.stratified(LABELS, train=0.5)
    assert len(drawn) == 10
    for split in drawn:
        assert sorted(_parts(split)) == list(range(100))
        # 60 and 40 nodes: halves of 30 and 20, quarters of 15 and 10
        assert np.bincount(LABELS[split.train]).tolist() == [30, 20]
        assert np.bincount(LABELS[split.valid]).tolist() == [15, 10]
    assert not np.array_equal(drawn[0].train, drawn[1].train)
    assert np.array_equal(drawn[3].test, splits.stratified(LABELS, train=0.5)[3].test)


def test_stratified_leaves_the_unlabelled_out() -> None:
    y = np.where(np.arange(100) < 10, -1, LABELS)
    assert sorted(_parts(splits.stratified(y, train=0.5)[0])) == list(range(10, 100))


def test_a_class_of_one_node_cannot_be_split() -> None:
    with pytest.raises(DataError, match="cannot be split evenly by class"):
        splits.stratified(np.array([0, 0, 0, 0, 1]), train=0.5)


@pytest.mark.parametrize("spec", ["minesweeper", "tolokers"])
def test_the_rule_gives_the_published_splits(spec: str, real_data: Path, cache: Path) -> None:
    data = registry.load(spec, real_data, cache)
    for official, drawn in zip(data.splits, splits.stratified(data.y, train=0.5), strict=True):
        assert np.array_equal(official.train, drawn.train)
        assert np.array_equal(official.valid, drawn.valid)
        assert np.array_equal(official.test, drawn.test)


def test_per_class_with_a_total_for_validation() -> None:
    for split in splits.per_class(LABELS, train=5, valid=20, test=30):
        assert np.bincount(LABELS[split.train]).tolist() == [5, 5]
        assert (len(split.valid), len(split.test)) == (20, 30)
        assert len(set(_parts(split))) == 60


def test_per_class_with_validation_per_class() -> None:
    split = splits.per_class(LABELS, train=5, valid=3, valid_per_class=True)[0]
    assert np.bincount(LABELS[split.valid]).tolist() == [3, 3]
    assert sorted(_parts(split)) == list(range(100))


def test_folds_cover_everything_once() -> None:
    drawn = splits.folds(LABELS)
    assert sorted(np.concatenate([split.test for split in drawn]).tolist()) == list(range(100))
    for number, split in enumerate(drawn):
        assert sorted(_parts(split)) == list(range(100))
        assert np.array_equal(split.valid, drawn[(number + 1) % 10].test)
        assert np.bincount(LABELS[split.test]).tolist() == [6, 4]

"""Samples of different sizes side by side."""

import numpy as np

from db.scoring.samples import Samples, cell_samples


def test_samples_of_one_size_come_together() -> None:
    samples = Samples(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([2, 0, 1, 2]))
    found = {matrix.shape[1]: (owners.tolist(), matrix.tolist()) for owners, matrix in samples.by_size()}
    assert found == {1: ([2], [[3.0]]), 2: ([0, 3], [[1.0, 2.0], [4.0, 5.0]])}
    assert [sample.tolist() for sample in samples.per_owner()] == [[1.0, 2.0], [], [3.0], [4.0, 5.0]]


def test_repeats_of_a_cell_are_averaged_and_missing_values_left_out() -> None:
    owner, cell = np.array([2, 0, 0, 2, 0, 1]), np.array([5, 7, 3, 5, 7, 1])
    values = np.array([1.0, 2.0, 9.0, 3.0, 6.0, np.nan])
    samples = cell_samples(owner, cell, values, owners=4)
    # owner 0: cell 3 has 9, cell 7 has (2 + 6) / 2; owner 2: (1 + 3) / 2
    assert [sample.tolist() for sample in samples.per_owner()] == [[9.0, 4.0], [], [2.0], []]


def test_nothing_at_all() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    samples = cell_samples(nothing, nothing, np.zeros(0), owners=2)
    assert (samples.counts.tolist(), list(samples.by_size())) == ([0, 0], [])

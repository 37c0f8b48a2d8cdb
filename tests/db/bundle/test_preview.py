"""The row that a bundle makes, and its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from db.bundle.preview import board_rows, places


def test_the_row_is_scored_as_the_board_does(addition) -> None:
    [row] = board_rows(addition())
    assert (row.dataset, row.method, row.n, row.status) == ("cora", "gcn+sgc", 2, "provisional")
    assert row.trust == "self_reported"
    assert row.mean == pytest.approx(0.705)
    assert row.time_ratio == pytest.approx(0.5)


def test_without_a_reference_there_is_no_ratio(addition) -> None:
    [row] = board_rows(addition(reference=False))
    assert (row.time_ratio, row.scored_seconds) == (None, pytest.approx(2.0))


def test_places_count_the_better_rows_of_the_dataset(addition) -> None:
    [row] = board_rows(addition())
    board = [replace(row, mean=mean) for mean in (0.9, 0.705, 0.1, None)] + [replace(row, dataset="pubmed", mean=0.99)]
    assert places([row], board) == (("cora", 2, 4),)
    assert places([row], []) == (("cora", 1, 1),)
    assert places([replace(row, mean=None)], board) == ()

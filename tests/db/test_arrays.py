"""Columns from each kind of database."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from sqlalchemy import select

from db.arrays import read_arrays
from db.read import Reader
from db.schema import Trial
from db.store import Store


def test_columns_by_kind(url: str, samples) -> None:
    trials = [
        samples.trial(split=1, epochs=5, preset="strong"),
        samples.trial(split=2, test_metric=None, started_at=datetime(2026, 1, 2, 12, tzinfo=UTC)),
    ]
    samples.fill(Store(url), *trials)
    query = select(
        *(Trial.split, Trial.epochs, Trial.model_bytes, Trial.test_metric, Trial.preset, Trial.method, Trial.started_at)
    ).order_by(Trial.split)
    columns = Reader(url).read(lambda connection: read_arrays(connection, query), {})
    assert (columns["split"].tolist(), columns["split"].dtype) == ([1, 2], np.int64)
    np.testing.assert_array_equal(columns["epochs"], [5.0, np.nan])
    np.testing.assert_array_equal(columns["model_bytes"], [np.nan, np.nan])
    np.testing.assert_array_equal(columns["test_metric"], [0.8, np.nan])
    assert columns["preset"].tolist() == ["strong", None]
    assert columns["method"].tolist() == ["gcn+full_batch"] * 2
    assert columns["started_at"].tolist() == [datetime(2026, 1, 2, 12, 1), datetime(2026, 1, 2, 12)]


def test_columns_without_rows(url: str, samples) -> None:
    samples.fill(Store(url))
    columns = Reader(url).read(lambda connection: read_arrays(connection, select(Trial.split, Trial.method)), {})
    assert [len(columns[name]) for name in ("split", "method")] == [0, 0]

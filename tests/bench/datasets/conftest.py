"""Where the real data is, one cache for the whole session, and a small sound dataset to damage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from bench.datasets.graph_data import GraphData, Split


@pytest.fixture(scope="session")
def cache() -> Iterator[Path]:
    """A cache folder that is removed at the end, because the prepared sets together are large."""
    with TemporaryDirectory(prefix="leangnn-test-cache-") as folder:
        yield Path(folder)


@pytest.fixture
def square() -> GraphData:
    """Four nodes on a ring, 0-1-2-3-0, labels 0 0 1 1."""
    return GraphData(
        name="square",
        version="1",
        sha256="",
        x=np.eye(4, dtype=np.float32),
        indptr=np.array([0, 2, 4, 6, 8]),
        indices=np.array([1, 3, 0, 2, 1, 3, 0, 2], np.int32),
        y=np.array([0, 0, 1, 1]),
        splits=(Split(np.array([0, 2]), np.array([1]), np.array([3])),),
        metric="accuracy",
        level="node",
        classes=2,
        undirected=True,
    )

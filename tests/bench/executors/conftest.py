"""What the tests of several executors hand out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.protocol import Protocol


@pytest.fixture
def document(cache: Path) -> dict[str, Any]:
    """A trial that would never end by itself."""
    return {
        "dataset": "minesweeper-grid(side=12)", "data_dir": None, "cache_dir": str(cache), "split": 0, "seed": 0,
        "repeat": 0, "method": "gcn(layers=2,hidden=8)+never_ends", "device": "cpu",
        "protocol": Protocol(epochs=2, threads=1).settings(),
    }  # fmt: skip

"""One small store for all pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.asv import sample_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One dataset, one backbone, four methods, two splits."""
    with pytest.MonkeyPatch.context() as patch:
        for name, count in (("DATASETS", 1), ("BACKBONES", 1), ("SPLITS", 2), ("POINTS", 3)):
            patch.setattr(sample_store, name, count)
        return sample_store.fill(tmp_path_factory.mktemp("store") / "sample.duckdb")

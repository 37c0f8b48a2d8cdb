"""Settings of the whole test run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

# Triton decides at its import whether kernels are interpreted, and torch imports it early where it is installed
if shutil.which("nvidia-smi") is None:
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(scope="session")
def new_cache(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes empty caches that take compiled kernels from the user's own, so that no trial of a test compiles again."""

    def make() -> Path:
        import methods.kernels  # noqa: F401

        folder = tmp_path_factory.mktemp("cache")
        (folder / "kernels").symlink_to(Path(os.environ["NUMBA_CACHE_DIR"]).parent)
        return folder

    return make

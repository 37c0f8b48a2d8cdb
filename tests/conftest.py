"""Settings of the whole test run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.meters.hardware import usable_cores

# Triton decides at its import whether kernels are interpreted, and torch imports it early where it is installed
if shutil.which("nvidia-smi") is None:
    os.environ.setdefault("TRITON_INTERPRET", "1")

# Workers that run at the same time share the cores: threads of OpenMP that wait for one another spin, and take from the
# other workers what they wait for, which made the tests three times as long. Not in the process that starts the
# workers, because they inherit what it sets.
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // int(workers))))


@pytest.fixture(scope="session")
def new_cache(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes empty caches that take compiled kernels from the user's own, so that no trial of a test compiles again."""

    def make() -> Path:
        import methods.kernels  # noqa: F401

        folder = tmp_path_factory.mktemp("cache")
        (folder / "kernels").symlink_to(Path(os.environ["NUMBA_CACHE_DIR"]).parent)
        return folder

    return make

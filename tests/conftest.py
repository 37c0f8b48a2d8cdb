"""Settings of the whole test run."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from bench.meters.hardware import usable_cores

# Triton decides at its import whether kernels are interpreted, and torch imports it early where it is installed
if shutil.which("nvidia-smi") is None:
    os.environ.setdefault("TRITON_INTERPRET", "1")

# Workers that run at the same time share the cores: threads of OpenMP that wait for one another spin, and take from the
# other workers what they wait for, which made the tests three times as long. Not in the process that starts the
# workers, because they inherit what it sets.
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // int(workers))))

# no test asserts a time, and an example takes ten times as long beside others
settings.register_profile("leangnn", deadline=None)
settings.load_profile("leangnn")


@pytest.fixture(scope="session")
def new_cache(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes empty caches that take compiled kernels from the user's own, so that no trial of a test compiles again."""

    def make() -> Path:
        import methods.kernels  # noqa: F401

        folder = tmp_path_factory.mktemp("cache")
        (folder / "kernels").symlink_to(Path(os.environ["NUMBA_CACHE_DIR"]).parent)
        return folder

    return make


@pytest.fixture
def trials_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trials and calibrations without the seconds that processes of their own take to start; other tests run those."""
    import torch

    from bench import runner, trial
    from bench.clock import TimeLedger
    from bench.executors.trial_process import TrialProcess
    from bench.parallel import document_of

    alone, threads = TrialProcess.run, torch.get_num_threads()

    def run(process: TrialProcess, document: dict[str, Any], hear: Any) -> tuple[dict[str, Any], float]:
        if process.module != "bench.trial" or document["protocol"]["processes"] > 1:
            return alone(process, document, hear)
        process.folder.mkdir(parents=True)
        ledger = TimeLedger()
        # one thread, because several wait for each other by spinning outside a trial's own environment
        result = trial.run({**document_of(document, rank=0), "threads": 1}, process.folder, ledger, io.StringIO())
        result["ledger"] = asdict(ledger.close())
        return json.loads(json.dumps(result)), result["ledger"]["wall"]

    monkeypatch.setattr(TrialProcess, "run", run)
    monkeypatch.setattr(runner, "calibrate", lambda options: None)
    yield
    torch.set_num_threads(threads)

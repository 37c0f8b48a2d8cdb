"""Small real data, a throw-away package of methods, and one run of the harness that many tests look at."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from bench import runner
from bench.datasets import registry
from bench.datasets.graph_data import GraphData
from bench.plan import PlannedTrial, plan
from bench.suite import Run, Suite
from db.read import Reader
from db.records import TrialRecord
from methods import plugin

_BESIDE = Path(__file__).parents[3] / "shared" / "data"
GRID = "minesweeper-grid(side=12)"
SMALL = "gcn(layers=2,hidden=8)"
TOO_WIDE = "gcn(hidden=2000000)"
ATTENTION = "gat(layers=2,hidden=8,heads=2,attention_dropout=0.4)"

PLUGINS = '''
"""Methods that misbehave, each in one way, and one that watches."""

import gc
import os
import signal
import time

from methods.plugin import register
from methods.rescaler import Rescaler
from methods.strategies.full_batch import FullBatch
from methods.strategies.sampling.neighbor_sampling import NeighborSampling


@register("strategy", "watches_labels")
class WatchesLabels(FullBatch):
    """Full batch that fails when it can find a label that it must not see."""

    def prepare(self, problem):
        assert (problem.graph.y[~problem.graph.train_mask] == -1).all(), "the problem shows a hidden label"
        held = [item for item in gc.get_objects() if type(item).__name__ == "GraphData"]
        for data in held:
            assert len(data.splits) == 1 and (data.y[data.splits[0].test] == -1).all(), "a test label is in memory"
        return problem


@register("strategy", "raises_late")
class RaisesLate(FullBatch):
    """Fails in the third epoch."""

    def steps(self, problem, progress):
        if progress.epoch == 2:
            raise ValueError("the sampler lost\\nits way")
        print("a line that a plug-in prints")
        return super().steps(problem, progress)


@register("strategy", "writes_mask")
class WritesMask(FullBatch):
    """Changes what is trained on."""

    def steps(self, problem, progress):
        problem.graph.train_mask[problem.graph.train_mask.nonzero()[0]] = False
        return super().steps(problem, progress)


@register("strategy", "never_ends")
class NeverEnds(FullBatch):
    """Sleeps."""

    def prepare(self, problem):
        time.sleep(3600)


@register("strategy", "raises_beside")
class RaisesBeside(NeighborSampling):
    """Fails in the second epoch of the second process."""

    def steps(self, problem, progress):
        if progress.epoch == 1 and problem.share.process == 1:
            raise ValueError("the sampler lost\\nits way")
        return super().steps(problem, progress)


@register("strategy", "killed_beside")
class KilledBeside(NeighborSampling):
    """Is killed in the second epoch of the second process."""

    def steps(self, problem, progress):
        if progress.epoch == 1 and problem.share.process == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().steps(problem, progress)


@register("strategy", "waits")
class Waits(NeighborSampling):
    """Sleeps, and could be shared."""

    def prepare(self, problem):
        time.sleep(3600)


@register("rescaler", "says_facts")
class SaysFacts(Rescaler):
    """Counts its steps."""

    steps = 0

    def before_update(self, progress):
        self.steps += 1

    def facts(self):
        return {"steps": self.steps}


@register("rescaler", "diverges")
class Diverges(Rescaler):
    """Makes the parameters infinite."""

    def before_update(self, progress):
        for parameter in self.model.parameters():
            parameter.data.fill_(float("inf"))
'''


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of published files; tests on them are skipped where it is not there."""
    folder = Path(os.environ.get("LEANGNN_DATA", _BESIDE))
    if not folder.is_dir():
        pytest.skip(f"no published data: neither LEANGNN_DATA nor {_BESIDE.name} beside the checkout is a folder")
    return folder


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of an installed package of misbehaving methods, known here and to processes that get PYTHONPATH."""
    folder = tmp_path_factory.mktemp("site-packages")
    (folder / "misbehaving.py").write_text(PLUGINS)
    info = folder / "misbehaving-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: misbehaving\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[leangnn.methods]\nmisbehaving = misbehaving\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugin, "_registry", dict(plugin._registry))
        patch.setattr(sys, "path", [str(folder), *sys.path])
        plugin._discover.cache_clear()
        yield folder
    plugin._discover.cache_clear()


@pytest.fixture(scope="session")
def cache(new_cache: Callable[[], Path]) -> Path:
    """A cache of prepared datasets for all tests of the harness."""
    return new_cache()


@pytest.fixture(scope="session")
def grid(cache: Path) -> GraphData:
    """Minesweeper on 144 nodes: two classes, ROC AUC."""
    return registry.load(GRID, cache_dir=cache)


@pytest.fixture(scope="session")
def blocks(cache: Path) -> GraphData:
    """A block model of 120 nodes and 3 classes that is easy to learn: accuracy."""
    return registry.load("csbm(nodes=120,degree=6.0,features=8,classes=3,signal=2.0)", cache_dir=cache)


@dataclass
class Diary:
    """A listener that writes everything down."""

    plans: list[tuple[int, int]] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ended_names: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def planned(self, total: int, skipped: int) -> None:
        self.plans.append((total, skipped))

    def progress(self, trial: PlannedTrial, event: dict[str, Any]) -> None:
        self.events.append((trial.method.name, event))

    def ended(self, trial: PlannedTrial, record: TrialRecord) -> None:
        self.ended_names.append(trial.method.name)

    def notice(self, sentence: str) -> None:
        self.notices.append(sentence)


@dataclass
class Harness:
    """Runs small plans in this process, their trials in processes of their own."""

    cache: Path
    plugins: Path
    data: Path

    def plan(
        self, *methods: str, dataset: str = GRID, repeats: int = 1, seeds: tuple[int, ...] = (0,), **protocol: Any
    ) -> list[PlannedTrial]:
        block = Run(datasets=[dataset], methods=list(methods))
        settings = {"epochs": 6, "threads": 1, **protocol}
        return plan(Suite(question="test", run=[block], protocol=settings, repeats=repeats, seeds=list(seeds)))

    def run(self, trials: list[PlannedTrial], store: Path, **options: Any) -> tuple[runner.Report, Diary]:
        diary = Diary()
        chosen = {"data_dir": str(self.data), "cache_dir": str(self.cache), "threads": 1, **options}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(self.plugins))
            # a run of the command line below measures the real one, which takes as long as a trial
            patch.setattr(runner, "calibrate", lambda options: {"gemm": 0.01})
            report = runner.run(trials, runner.Options(store=str(store), **chosen), diary)
        return report, diary


@pytest.fixture(scope="session")
def harness(cache: Path, plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Harness:
    return Harness(cache, plugins, tmp_path_factory.mktemp("data"))


@dataclass
class Ran:
    """One run with trials that end in every way but by time and by hand, and its store."""

    store: Path
    trials: list[PlannedTrial]
    report: runner.Report
    diary: Diary

    def rows(self, **filters: Any) -> list[TrialRecord]:
        return Reader(self.store).trials(**filters)

    def row(self, method: str, **filters: Any) -> TrialRecord:
        [row] = self.rows(method=method, **filters)
        return row


@pytest.fixture(scope="session")
def ran(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Made once for all workers; each has a store of its own."""
    own = tmp_path_factory.mktemp("store") / "ran.duckdb"
    shared = own.parent if os.environ.get("PYTEST_XDIST_WORKER") is None else tmp_path_factory.getbasetemp().parent
    kept = shared / "ran.pickle"
    with FileLock(shared / "ran.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(_run(harness, shared / "shared.duckdb")))
    made: Ran = pickle.loads(kept.read_bytes())
    shutil.copyfile(made.store, own)
    return replace(made, store=own)


def _run(harness: Harness, store: Path) -> Ran:
    strategies = ("watches_labels", "raises_late", "writes_mask")
    candidates = [f"{SMALL}+{name}" for name in strategies]
    trials = harness.plan(SMALL, *candidates, f"{SMALL}+full_batch+diverges", TOO_WIDE, jobs=2)
    trials += harness.plan(SMALL, seeds=(1,), target=0.999, jobs=2)
    report, diary = harness.run(trials, store, jobs=2)  # two at a time, because the tests assert no times
    return Ran(store, trials, report, diary)


@pytest.fixture(scope="session")
def child_environment(cache: Path, plugins: Path) -> dict[str, str]:
    """Environment of a command line that knows the throw-away package and keeps to the tests' cache."""
    return {**os.environ, "LEANGNN_CACHE": str(cache), "PYTHONPATH": str(plugins), "OMP_NUM_THREADS": "1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all that use `ran` as slow, because whichever comes first pays for its trials."""
    for item in items:
        if "ran" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)

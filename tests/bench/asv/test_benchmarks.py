"""Every benchmark of asv sets up and runs once at a small size; no time is asserted."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from bench.asv import aggregation, sample_problem, sample_store, scoring, store
from methods import plugin

ROOT = Path(__file__).parents[3]
PREFIXES = ("time_", "peakmem_", "track_")
MODULES = sorted(path.stem for path in (ROOT / "bench" / "asv").glob("[!_]*.py"))


def _classes(module: str) -> Iterator[type]:
    for _, found in inspect.getmembers(import_module(f"bench.asv.{module}"), inspect.isclass):
        if found.__module__ == f"bench.asv.{module}" and _names(found):
            yield found


def _names(benchmark: type) -> list[str]:
    return [name for name in vars(benchmark) if name.startswith(PREFIXES)]


BENCHMARKS = [each for module in MODULES for each in _classes(module)]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for module in (aggregation, sample_problem):
        monkeypatch.setattr(module, "NODES", 300)
        monkeypatch.setattr(module, "THREADS", 1)
    monkeypatch.setattr(aggregation, "DEGREE", 4)
    monkeypatch.setattr(sample_problem, "EDGES", 900)
    for name, count in (("DATASETS", 2), ("BACKBONES", 1), ("SPLITS", 1), ("POINTS", 3)):
        monkeypatch.setattr(sample_store, name, count)
    monkeypatch.setattr(scoring.History, "nights", 3)
    monkeypatch.setattr(scoring.Verdicts, "changes", 5)
    monkeypatch.setattr(store.Writing, "before", 1)


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda each: f"{each.__module__.split('.')[-1]}.{each.__name__}")
def test_a_benchmark_sets_up_and_runs(benchmark: type) -> None:
    # the first and the last parameter stand for all, but every strategy and every pooling has code of its own
    chosen = _parameters(benchmark)
    everything = {"strategy", "pooling"} & set(getattr(benchmark, "param_names", ()))
    instance: Any = benchmark()
    cached = (instance.setup_cache(),) if hasattr(instance, "setup_cache") else ()
    for parameters in chosen if everything else dict.fromkeys((chosen[0], chosen[-1])):
        if hasattr(instance, "setup"):
            instance.setup(*cached, *parameters)
        for name in _names(benchmark):
            measured = getattr(instance, name)(*cached, *parameters)
            if name.startswith("track_"):
                assert measured >= 0
                assert getattr(benchmark, name).unit


def _parameters(benchmark: type) -> list[tuple[Any, ...]]:
    declared = getattr(benchmark, "params", ())
    if not declared:
        return [()]
    several = isinstance(declared[0], list | tuple)
    return list(product(*declared)) if several else [(each,) for each in declared]


def test_everything_that_is_promised_has_a_benchmark() -> None:
    assert {"aggregation", "coarsening", "training", "lowbit", "scoring", "store"} <= set(MODULES)
    [step] = [each for each in _classes("training") if each.__name__ == "Step"]
    # other tests register strategies of their own
    ours = {name for name in plugin.names("strategy") if plugin.find(name)[1].__module__.startswith("methods.")}
    assert set(step.params) >= ours  # type: ignore[attr-defined]
    assert "full_batch" in ours
    kinds = {name.partition("_")[0] for each in BENCHMARKS for name in _names(each)}
    assert kinds == {"time", "peakmem", "track"}


def test_the_configuration_names_what_is_there() -> None:
    configuration = json.loads((ROOT / "asv.conf.json").read_text())
    assert (ROOT / configuration["benchmark_dir"]).is_dir()
    assert configuration["environment_type"] == "virtualenv"
    assert configuration["branches"] == ["main"]
    [pinned] = configuration["matrix"]["req"]["torch"]
    assert f"torch=={pinned}" in (ROOT / "Makefile").read_text()
    # the tested versions, and nothing that only the registry's newest would have
    assert "constraints.txt" in configuration["install_command"][0]

"""The words that choose an executor."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError, UsageError
from bench.executors.choice import Choice, Limits, opened
from bench.executors.local import LocalExecutor

LIMITS = Limits("cpu", jobs=1, threads=1, timeout=60.0, minutes=None, cache_dir=None)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"name": "rya"}, "no executor is called 'rya'; did you mean 'ray'"),
        ({"address": "auto"}, "--ray-address has no meaning for trials of this kind; it goes with --executor ray"),
        ({"name": "slurm", "machines": "H100"}, "--machines has no meaning .* --executor ray"),
        ({"memory": 4.0}, "--memory has no meaning .* --executor ray or --executor slurm"),
        ({"name": "ray", "slurm": ("time=5",)}, "--slurm has no meaning .* --executor slurm"),
        ({"name": "ray", "memory": -1.0}, "--memory -1 is not possible"),
    ],
)
def test_wrong_words_are_named(words: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Choice(**words)


def test_this_machine_is_the_default(tmp_path: Path) -> None:
    with opened(Choice(), tmp_path, LIMITS) as executor:
        assert isinstance(executor, LocalExecutor)
        assert list(executor.nodes.values()) == [executor.kind]
        assert executor.everywhere(lambda word: word.upper(), "a") == {"here": "A"}


@pytest.mark.parametrize("name", ["ray", "slurm"])
def test_a_numbered_gpu_has_no_meaning_on_a_cluster(tmp_path: Path, name: str) -> None:
    limits = replace(LIMITS, device="cuda:1")
    with pytest.raises(UsageError, match=r"--device cuda:1 .* say cuda"), opened(Choice(name), tmp_path, limits):
        pass


@pytest.mark.parametrize(
    ("name", "module", "sentence"),
    [
        ("ray", "ray", r"Ray is not installed; call: pip install 'leangnn\[ray\]'"),
        ("slurm", "submitit", r"submitit is not installed; call: pip install 'leangnn\[slurm\]'"),
    ],
)
def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, module: str, sentence: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BenchError, match=sentence), opened(Choice(name), tmp_path, LIMITS):
        pass

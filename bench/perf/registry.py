"""The project's own speed comparisons: one file each in this folder, with `TITLE` and `run(options)`.

What several comparisons share lies beside them, and what they compare in `contenders/`. A comparison imports torch
only inside its functions: they are listed by the command line.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import bench.perf
from bench.errors import UsageError
from bench.perf.report import Report
from methods.spec import nearest


@dataclass(frozen=True)
class Options:
    """What a user may choose.

    Attributes:
        rounds: how often every variant has its turn.
        quick: small graphs, to try the comparison out; its figures say nothing about the goals.
        threads: CPU threads of every variant; None takes all cores this process may use.
        data_dir, cache_dir: as in `bench.datasets.registry.load`.
    """

    rounds: int = 3
    quick: bool = False
    threads: int | None = None
    data_dir: str | Path | None = None
    cache_dir: str | Path | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UsageError: a number that is not positive.
        """
        for name in ("rounds", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name}={value} is not possible; give 1 or more")


class Comparison(Protocol):
    """What a file in this folder has to offer."""

    TITLE: str

    def run(self, options: Options) -> Report:
        """Measure, and say what came out."""


@cache
def _comparisons() -> dict[str, Comparison]:
    modules = [
        importlib.import_module(f"{bench.perf.__name__}.{module.name}")
        for module in pkgutil.iter_modules(bench.perf.__path__)
        if not module.ispkg
    ]
    return {module.__name__.rpartition(".")[2]: module for module in modules if hasattr(module, "TITLE")}  # type: ignore[misc]


def names() -> list[str]:
    """Names of all comparisons, sorted."""
    return sorted(_comparisons())


def load(name: str) -> Comparison:
    """The comparison of a name.

    Raises:
        UsageError: nothing has that name; the message suggests the nearest.
    """
    known = _comparisons()
    if name not in known:
        raise UsageError(f"no speed comparison is called '{name}'; {nearest(name, known)}")
    return known[name]

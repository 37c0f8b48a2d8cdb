"""The project's own speed comparisons: `names()`, `load(name).run(Options(...))`."""

from bench.perf.registry import Options, load, names

__all__ = ["Options", "load", "names"]

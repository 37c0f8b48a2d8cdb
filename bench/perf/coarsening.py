"""What coarsening costs beside the training step that it is meant to save."""

from __future__ import annotations

from bench.perf.interleave import Interleaved, Sample
from bench.perf.registry import Options
from bench.perf.report import Goal, Report, Table
from bench.perf.worker import call, usable_threads

TITLE = "Coarsening: drawing a coarse graph of ogbn-arxiv's size, and a step on it, against a full-batch step"

_CONTENDERS = "bench.perf.contenders"
_MOST = 0.5
_STEP = {1: 0.75, 2: 0.5}  # of a full-batch step, at levels 1 and 2, the draw included
_CONTROL = "heavy_edge"  # no operator of the paper; its hierarchy is made once a training
_TURNS_PER_ROUND = 3


def run(options: Options) -> Report:
    """Time draws and steps at every level, all variants in turn in one process.

    Raises:
        BenchError: the measurement failed.
    """
    threads = options.threads or usable_threads()
    data, cache = (None if path is None else str(path) for path in (options.data_dir, options.cache_dir))
    graph = {"quick": options.quick, "data_dir": data, "cache_dir": cache}
    rounds = _TURNS_PER_ROUND * options.rounds
    measured = call(threads, f"{_CONTENDERS}.coarsening:measure", rounds=rounds, **graph)
    draws, steps = (
        Interleaved({name: [Sample(turn) for turn in turns] for name, turns in measured[what].items()})
        for what in ("draws", "steps")
    )
    full = next(iter(draws.samples))
    tables = [
        Table("a draw with its normalised operator", full, draws.summaries(full)),
        Table("a training step, its draw included", full, steps.summaries(full)),
    ]
    goals = [_goal("draw", draws, name, full, _MOST) for name in draws.samples if name != full and _CONTROL not in name]
    for level, most in _STEP.items():
        goals += [_goal("step", steps, name, full, most) for name in steps.samples if name.endswith(f"level {level}")]
    described = call(threads, f"{_CONTENDERS}.training:describe", **graph)
    return Report(TITLE, {**described, "threads": threads, "turns": rounds}, tables, goals)


def _goal(what: str, measured: Interleaved, name: str, full: str, most: float) -> Goal:
    ratio = measured.ratio(name, full)
    return Goal(f"{what} of {name}", ratio and ratio.value, most)

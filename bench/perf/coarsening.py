"""What coarsening costs beside the training step that it is meant to save."""

from __future__ import annotations

from itertools import pairwise

from bench.perf.interleave import Interleaved, Sample
from bench.perf.registry import Options
from bench.perf.report import Goal, Report, Table
from bench.perf.worker import call, usable_threads

TITLE = "Coarsening: drawing a coarse graph of ogbn-arxiv's size, and a step on it, against a full-batch step"

_CONTENDERS = "bench.perf.contenders"
_MOST = 0.5
_STEP = {1: 0.75, 2: 0.5}  # of a full-batch step, at levels 1 and 2, the draw included
_CONTROLS = ("heavy_edge", "clusters")  # no poolings of the paper; they keep the goals too, or are seen to miss them
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
    goals = [_goal("draw", draws, name, full, _MOST) for name in draws.samples if name != full]
    for level, most in _STEP.items():
        goals += [_goal("step", steps, name, full, most) for name in steps.samples if name.endswith(f"level {level}")]
    described = call(threads, f"{_CONTENDERS}.training:describe", **graph)
    return Report(TITLE, {**described, "threads": threads, "turns": rounds}, tables, goals + falling(steps, full))


def falling(steps: Interleaved, full: str) -> list[Goal]:
    """Whether a step takes less time at each coarser level: the largest ratio of a level to the one before.

    Args:
        steps: variants named `... level l`, each with its levels in ascending order.
        full: the step of level 0.
    """
    levels: dict[str, list[str]] = {}
    for name in steps.samples:
        if name != full:
            levels.setdefault(name.rpartition(" level ")[0], [full]).append(name)
    goals = []
    for variant, names in levels.items():
        ratios = [ratio.value for finer, coarser in pairwise(names) if (ratio := steps.ratio(coarser, finer))]
        largest = max(ratios) if len(ratios) == len(names) - 1 else None
        goals.append(Goal(f"step of {variant}, a level over the one before{_control(variant)}", largest, 1.0))
    return goals


def _goal(what: str, measured: Interleaved, name: str, full: str, most: float) -> Goal:
    ratio = measured.ratio(name, full)
    return Goal(f"{what} of {name}{_control(name)}", ratio and ratio.value, most)


def _control(name: str) -> str:
    return " (control)" if any(control in name for control in _CONTROLS) else ""

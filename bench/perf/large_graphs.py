"""Graphs that stay on disk: whether memory grows with the graph, and what a step costs beside one in memory."""

from __future__ import annotations

from typing import Any

from bench.datasets.registry import load
from bench.perf.registry import Options
from bench.perf.report import Figure, Figures, Goal, Report
from bench.perf.worker import call, usable_threads
from db.scoring.intervals import mean_interval

TITLE = "Large graphs: memory and time of sampled mini-batches with the graph on disk, at growing size"

FLAT = 1.1
"""Largest peak at ten times the nodes over that at one."""
_CONTENDER = "bench.perf.contenders.large_graphs"
# of ogbn-arxiv: nodes, mean degree, features and classes
_NODES, _DEGREE, _FEATURES, _CLASSES = 169_343, 14.0, 128, 40
_SIZES = (1, 3, 10)
# few enough nodes a view that they hardly ever meet twice, even in the smallest graph
_STRATEGY, _STEPS = "neighbor_sampling(batch_size=128,neighbors=5", 30
_COLUMNS = {
    "ms a step": ("seconds", 1e3),
    "peak, MB": ("resident", 1e-6),
    "anonymous, MB": ("anonymous", 1e-6),
    "s an evaluation": ("evaluation_seconds", 1.0),
    "its peak, MB": ("evaluation", 1e-6),
}


def run(options: Options) -> Report:
    """Prepare graphs of one, three and ten times the size of ogbn-arxiv, and train some steps on each in turn.

    Raises:
        BenchError: a measurement failed.
    """
    threads = options.threads or usable_threads()
    chosen = {"data_dir": options.data_dir, "cache_dir": options.cache_dir}
    folders = {name: None if folder is None else str(folder) for name, folder in chosen.items()}
    base, degree, steps = (1_000, 4.0, 1) if options.quick else (_NODES, _DEGREE, _STEPS)
    graphs = {}
    for size in _SIZES:
        name = f"csbm(nodes={size * base},degree={degree},features={_FEATURES},classes={_CLASSES})"
        load(name, options.data_dir, options.cache_dir)  # here, where it disturbs nobody's memory
        graphs[size] = name
    measured: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(options.rounds):
        for size, name in graphs.items():
            for place in ("disk", "device"):
                method = f"sage+{_STRATEGY},graph={place})"
                found = call(threads, f"{_CONTENDER}:measure", dataset=name, method=method, steps=steps, **folders)
                measured.setdefault((place, size), []).append(found)
    setting = {"threads": threads, "steps": steps, "rounds": options.rounds, "method": f"sage+{_STRATEGY})"}
    return judge(measured, {size: size * base for size in _SIZES}, setting)


def judge(
    measured: dict[tuple[str, int], list[dict[str, float]]], nodes: dict[int, int], setting: dict[str, Any]
) -> Report:
    """Table and goals.

    Args:
        measured: by place and size what `bench.perf.contenders.large_graphs.measure` gave in each round.
        nodes: of each size.
    """
    rows: list[tuple[str, list[Figure]]] = []
    for (place, size), rounds in sorted(measured.items(), key=lambda item: (item[0][0], item[0][1])):
        figures = [mean_interval([found[key] * factor for found in rounds]) for key, factor in _COLUMNS.values()]
        rows.append((f"{nodes[size]:,} nodes, {place}", list(figures)))
    smallest, largest = min(nodes), max(nodes)

    def growth(key: str) -> float:
        return _mean(measured["disk", largest], key) / _mean(measured["disk", smallest], key)

    of_size = f"with {largest} times the nodes over with {smallest}, on disk"
    slower = _mean(measured["disk", largest], "seconds") / _mean(measured["device", largest], "seconds")
    goals = [
        Goal(f"peak memory of training {of_size}", growth("resident"), FLAT),
        Goal(f"peak anonymous memory of training {of_size}", growth("anonymous"), FLAT),
        Goal(f"peak memory of evaluation {of_size}", growth("evaluation"), FLAT),
        Goal("time of a step on the largest graph, on disk over in memory", slower, 2.0),
    ]
    return Report(TITLE, setting, [Figures("memory is above the level after loading", list(_COLUMNS), rows)], goals)


def _mean(rounds: list[dict[str, float]], key: str) -> float:
    return sum(found[key] for found in rounds) / len(rounds)

"""What one process measures about coarsening: draws and coarse steps beside a full-batch step, turn by turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from bench.perf.contenders.graphs import CLASSES, arxiv_sized
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem, Progress
from methods.strategy import Strategy

BACKBONE = "gcn(layers=3,hidden=256,dropout=0.5)"
FULL = "one full-batch step"
LEVELS = 4
CLUSTERS = "sub_to_full(subgraphs=clusters,levels=4)"
DRAWN = (
    "coarse_to_fine(pooling=random,levels=4)",
    "coarse_to_fine(pooling=hybrid,levels=4)",
    "sub_to_full(levels=4)",
    CLUSTERS,
)
FIXED = ("coarse_to_fine(pooling=top_k,levels=4)", "coarse_to_fine(pooling=heavy_edge,levels=4)")
SPARSE = "coarse_to_fine(pooling=random,levels=4,max_neighbors=2)"
PARTITION = f"the partition of {CLUSTERS}, once a training"
Turns = dict[str, list[float]]


def measure(rounds: int, **graph: Any) -> dict[str, Turns]:
    """Seconds of each turn: {"draws": {variant: [...]}, "steps": {variant: [...]}}.

    A draw ends with the normalised operator of the coarse graph, which a step needs. A fixed pooling makes its
    hierarchy once a training; its draw is all of that. METIS cuts the graph once a training, for draws at all levels.
    """
    view = arxiv_sized(**graph).view
    problem = Problem(view, "multiclass", CLASSES, torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = Method.parse(BACKBONE).build_backbone(problem).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    def step(seen: GraphView) -> None:
        optimizer.zero_grad()
        problem.loss(model(seen), seen).backward()
        optimizer.step()

    # one for each level: a strategy that changes its level counts its draws anew, and a hybrid would draw no subgraph
    strategies = {(text, level): _prepared(text, problem) for text in (*DRAWN, SPARSE) for level in range(1, LEVELS)}

    def drawn(text: str, level: int) -> GraphView:
        return _draw(strategies[text, level], problem, level)

    def made(text: str, level: int) -> GraphView:
        return _draw(_prepared(text, problem), problem, level)

    def stepped(text: str, level: int) -> None:
        step(drawn(text, level))

    draws: dict[str, Callable[[], Any]] = {FULL: partial(step, view), PARTITION: partial(_prepared, CLUSTERS, problem)}
    steps: dict[str, Callable[[], Any]] = {FULL: partial(step, view)}
    for level in range(1, LEVELS):
        draws |= {f"{text} level {level}": partial(drawn, text, level) for text in DRAWN}
        draws |= {f"{text} level {level}": partial(made, text, level) for text in FIXED}
        steps |= {f"{text} level {level}": partial(stepped, text, level) for text in (*DRAWN, SPARSE)}
    return {"draws": _timed(draws, rounds), "steps": _timed(steps, rounds)}


def _timed(variants: dict[str, Callable[[], Any]], rounds: int) -> Turns:
    """Every variant once a round, after an untimed round."""
    turns: Turns = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, work in variants.items():
            started = time.perf_counter()
            work()
            if number:
                turns[name].append(time.perf_counter() - started)
    return turns


def _prepared(text: str, problem: Problem) -> Strategy:
    strategy = Method.parse(f"{BACKBONE}+{text}").build("strategy")
    strategy.prepare(problem)
    return strategy


def _draw(strategy: Strategy, problem: Problem, level: int) -> GraphView:
    """The view of one step at a level, with its operator."""
    # level l begins when all coarser ones have had their 2^k shares
    begins = (2**LEVELS - 2 ** (level + 1)) / (2**LEVELS - 1)
    [term] = next(iter(strategy.steps(problem, Progress(0, begins))))
    if term.scale != level:
        raise RuntimeError(f"the schedule gave level {term.scale} where level {level} was wanted")
    term.view.adjacency.normalized("symmetric", self_loops=True)
    return term.view

"""Training level by level, coarsest first: what coarse-to-fine and sub-to-full share (Gal et al. 2025, Algorithm 1)."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from torch import nn

from methods.errors import MethodError
from methods.graph import GraphView
from methods.parameters import NonNegativeInt, PositiveInt, Range
from methods.problem import Problem, Progress
from methods.strategies.full_batch import training_graphs
from methods.strategies.multiscale.batch_norm import reestimate_batch_norms, sample_of
from methods.strategies.multiscale.coarsener import Coarsener
from methods.strategies.multiscale.pooled import PooledCoarsener, ReleasedCoarsener
from methods.strategies.multiscale.pooling import Pooling
from methods.strategies.multiscale.schedule import LevelSchedule
from methods.strategy import Mode, Step, Strategy, Term

Ratio = Annotated[float, Range(above=1.0)]
AtLeastOne = Annotated[float, Range(low=1.0)]
Profile = Literal["corrected", "release"]


@dataclass
class _Stage:
    """Training on one level: epochs begun, coarsenings drawn, and how often the last of them was used."""

    level: int
    epochs: int = 0
    draws: int = 0
    view: GraphView | None = None
    uses: int = 0


class LevelByLevel(Strategy):
    """One optimizer for all levels; level l gets a share of the budget in proportion to 2^l.

    One graph takes `steps_per_epoch` steps an epoch (fractions add up over epochs), each `resample_every` of them on a
    fresh coarse graph. On sets of many graphs an epoch is a shuffled pass over batches of the training graphs, and
    each batch is coarsened when it comes. `finest` is the last level trained: above 0 the whole graph is never
    trained on, which is how peak memory falls. Coarse edges are walks of exactly `power` steps; `max_neighbors`
    samples the entries of coarse rows.

    Profile `corrected`: a coarse graph without a training label is drawn again, at most 50 times; coarse batches
    without any (where there is nothing to draw) or with one node are skipped and counted; sizes are per graph; batch
    norms get the finest graph's statistics before an evaluation.

    Profile `release` does what the published code does: evaluation mode from the second epoch of each level on; top-k
    by stored edges, loops included, ties as they fall; A + A^T of one graph, at all levels and for predictions;
    ego-nets of 6, 4, 2 hops whatever their size; a union pooled as if it were one graph; trailing nodes without edges
    never drawn; no redraws, no statistics. What it does about selection, evaluation cadence, repeated runs, optimizer
    state, the normalisation of inductive sets and point clouds is not a strategy's business.
    """

    def __init__(
        self,
        *,
        levels: PositiveInt = 3,
        ratio: Ratio = 2.0,
        power: PositiveInt = 1,
        max_neighbors: PositiveInt | None = None,
        finest: NonNegativeInt = 0,
        steps_per_epoch: AtLeastOne = 1.0,
        resample_every: PositiveInt = 1,
        graphs_per_step: PositiveInt = 256,
        profile: Profile = "corrected",
    ) -> None:
        self.levels, self.ratio, self.power, self.max_neighbors = levels, ratio, power, max_neighbors
        self.steps_per_epoch, self.resample_every, self.graphs_per_step = (
            steps_per_epoch,
            resample_every,
            graphs_per_step,
        )
        self.profile = profile
        self.schedule = LevelSchedule(levels, finest)
        self.skipped = 0
        self._stage: _Stage | None = None

    @abstractmethod
    def make_coarsener(self, problem: Problem) -> Coarsener:
        """What draws the coarse views."""

    def prepare(self, problem: Problem) -> Problem:
        if problem.graph.graph_ptr is not None and (self.steps_per_epoch != 1 or self.resample_every != 1):
            raise MethodError(
                f"steps_per_epoch={self.steps_per_epoch:g} and resample_every={self.resample_every} are for one graph; "
                "on a set of graphs leave them at 1 and choose graphs_per_step"
            )
        self.coarsener = self.make_coarsener(problem)
        return replace(problem, graph=self.coarsener.prepare(problem.graph, self.levels, problem.generator))

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        level = self.schedule.level(progress.fraction)
        if self._stage is None or self._stage.level != level:
            self._stage = _Stage(level)
        stage = self._stage
        stage.epochs += 1
        mode: Mode = "evaluate" if self.profile == "release" and stage.epochs > 1 else "train"
        one = problem.graph.graph_ptr is None
        for view in self._repeated(stage, progress.epoch) if one else self._batches(problem, stage):
            yield [Term(1.0, view, level, mode)]

    def settle(self, model: nn.Module, problem: Problem) -> None:
        if self.profile == "corrected" and self._stage is not None and self._stage.level > 0:
            reestimate_batch_norms(model, lambda: sample_of(problem, self.graphs_per_step))

    def facts(self) -> dict[str, Any]:
        return {"profile": self.profile, **self.coarsener.facts(), "skipped": self.skipped}

    def pooled(self, pooling: Pooling) -> Coarsener:
        """A coarsener of the profile."""
        kind = ReleasedCoarsener if self.profile == "release" else PooledCoarsener
        return kind(pooling, self.ratio, self.power, self.max_neighbors)

    def _repeated(self, stage: _Stage, epoch: int) -> Iterator[GraphView]:
        """The views of one graph in one epoch."""
        rate = self.steps_per_epoch
        for _ in range(math.floor((epoch + 1) * rate) - math.floor(epoch * rate)):
            if stage.view is None or stage.uses == self.resample_every:
                stage.view, stage.uses = None, 0  # two coarse graphs at a time would cost memory
                (stage.view,) = self.coarsener.views(None, (stage.level,), stage.draws)
                stage.draws += 1
            stage.uses += 1
            yield stage.view

    def _batches(self, problem: Problem, stage: _Stage) -> Iterator[GraphView]:
        """One view for each batch of a shuffled pass over the training graphs."""
        train = training_graphs(problem)
        order = train[torch.randperm(train.numel(), generator=problem.generator)]
        usable = 0
        for batch in order.split(self.graphs_per_step):
            (view,) = self.coarsener.views(batch.to(problem.device), (stage.level,), stage.draws)
            stage.draws += 1
            if stage.level and self.profile == "corrected" and not _is_usable(view):
                self.skipped += 1
                continue
            usable += 1
            yield view
        if not usable:
            raise MethodError(
                f"no batch of level {stage.level} has two nodes and a training label; "
                "use fewer levels, a smaller ratio or more graphs_per_step"
            )


def _is_usable(view: GraphView) -> bool:
    # batch norms cannot be trained on a single node
    return view.num_nodes > 1 and bool(view.train_mask.any())

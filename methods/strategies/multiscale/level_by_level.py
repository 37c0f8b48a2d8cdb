"""Training level by level, coarsest first: what coarse-to-fine and sub-to-full share (Gal et al. 2025, Algorithm 1)."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from methods.errors import MethodError
from methods.graph import GraphView
from methods.parameters import NonNegativeInt, PositiveInt, Range
from methods.partition import edge_cut, metis
from methods.problem import Problem, Progress
from methods.strategies.full_batch import training_graphs
from methods.strategies.multiscale.batch_norm import reestimate_batch_norms, sample_of
from methods.strategies.multiscale.cluster_pooling import cluster_seed
from methods.strategies.multiscale.coarsener import Coarsener
from methods.strategies.multiscale.pooled import PooledCoarsener, ReleasedCoarsener
from methods.strategies.multiscale.pooling import Pooling
from methods.strategies.multiscale.schedule import LevelSchedule
from methods.strategies.training_nodes import shuffled_batches
from methods.strategy import Mode, Step, Strategy, Term

Ratio = Annotated[float, Range(above=1.0)]
AtLeastOne = Annotated[float, Range(low=1.0)]
Profile = Literal["corrected", "release"]
FADED = 50
"""Steps after which a batch norm's running statistics (torch's momentum of 0.1) hold 0.5 % of what was before."""


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
    trained on, which is how peak memory falls. So it does with `fine_parts` above 1, where a step of level 0 sums the
    gradients of so many METIS parts, one after the other, without the edges between them. Coarse edges are walks of
    exactly `power` steps; `max_neighbors` samples the entries of coarse rows.

    Profile `corrected`: a coarse graph without a training label is drawn again, at most 50 times; coarse batches
    without any (where there is nothing to draw) are skipped and counted; sizes are per graph; batch norms get the
    finest graph's statistics before an evaluation on the last level.

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
        fine_parts: PositiveInt = 1,
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
        self.profile, self.fine_parts = profile, fine_parts
        self.schedule = LevelSchedule(levels, finest)
        self.skipped = 0
        self._stage: _Stage | None = None
        self._fine_steps = 0

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
        problem = replace(problem, graph=self.coarsener.prepare(problem.graph, self.levels, problem.generator))
        self._parts = self._fine_parts(problem) if self.fine_parts > 1 else []
        return problem

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        level = self.schedule.level(progress.fraction)
        if self._stage is None or self._stage.level != level:
            self._stage = _Stage(level)
        stage = self._stage
        stage.epochs += 1
        if level:
            self._fine_steps = 0
        mode: Mode = "evaluate" if self.profile == "release" and stage.epochs > 1 else "train"
        one = problem.graph.graph_ptr is None
        for view in self._repeated(stage, progress.epoch) if one else self._batches(problem, stage):
            self._fine_steps += level == 0
            if level or not self._parts:
                yield [Term(1.0, view, level, mode)]
            else:
                yield [Term(share, view.induced(nodes), level, mode) for nodes, share in self._parts]

    def settle(self, model: nn.Module, problem: Problem) -> None:
        # what coarse levels left in the running statistics fades only slowly once level 0 has begun; before the last
        # level nobody selects an epoch, and a pass over the whole graph costs more than a coarse step
        is_last = self._stage is not None and self._stage.level == self.schedule.finest
        is_stale = bool(self._parts) or (self.levels > 1 and self._fine_steps < FADED)
        if self.profile == "corrected" and is_last and is_stale:
            reestimate_batch_norms(model, lambda: sample_of(problem, self.graphs_per_step))

    def facts(self) -> dict[str, Any]:
        facts = {"profile": self.profile, **self.coarsener.facts(), "skipped": self.skipped}
        return {**facts, "edge_cut": self._edge_cut} if self._parts else facts

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

    def _fine_parts(self, problem: Problem) -> list[tuple[Tensor, float]]:
        """Nodes of each part of the finest graph, and its share of the training labels; parts without any are left."""
        graph = problem.graph
        if graph.graph_ptr is not None:
            raise MethodError(
                f"fine_parts={self.fine_parts} is for one graph; on a set of graphs choose graphs_per_step instead"
            )
        part = metis(graph.adjacency, min(self.fine_parts, graph.num_nodes), cluster_seed(problem))
        self._edge_cut = edge_cut(graph.adjacency, part)
        labels = torch.bincount(part[graph.train_mask], minlength=self.fine_parts).tolist()
        return [
            ((part == number).nonzero().squeeze(1), count / sum(labels)) for number, count in enumerate(labels) if count
        ]

    def _batches(self, problem: Problem, stage: _Stage) -> Iterator[GraphView]:
        """One view for each batch of a shuffled pass over the training graphs."""
        for batch in shuffled_batches(training_graphs(problem), self.graphs_per_step, problem.generator):
            (view,) = self.coarsener.views(batch.to(problem.device), (stage.level,), stage.draws)
            stage.draws += 1
            # only where there is nothing to draw again; preparation has seen that the level has a label somewhere
            if stage.level and self.profile == "corrected" and not bool(view.train_mask.any()):
                self.skipped += 1
            else:
                yield view

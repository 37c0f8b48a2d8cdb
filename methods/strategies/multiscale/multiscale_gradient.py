"""Multiscale gradients: the fine gradient from many coarse graphs and few fine ones (Gal et al. 2025, Algorithm 2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from torch import Tensor, nn

from methods.errors import MethodError
from methods.graph import GraphView
from methods.parameters import Fraction, PositiveInt
from methods.plugin import register
from methods.problem import Problem, Progress
from methods.strategies.full_batch import training_graphs
from methods.strategies.multiscale.batch_norm import reestimate_batch_norms, sample_of
from methods.strategies.multiscale.level_by_level import Profile, Ratio
from methods.strategies.multiscale.pooled import PooledCoarsener
from methods.strategies.multiscale.random_pooling import RandomPooling
from methods.strategies.multiscale.subgraph_pooling import SubgraphPooling
from methods.strategies.multiscale.telescoping import differences, remainder
from methods.strategies.training_nodes import shuffled_batches
from methods.strategy import Step, Strategy, Term


@register("strategy", "multiscale_gradient")
class MultiscaleGradient(Strategy):
    """Each step sums signed losses over scales, an unbiased estimate of the fine loss (Gal et al. 2025, Algorithm 2).

    On sets of many graphs a step takes `smallest_batch` graphs for the finest difference, twice as many for the next,
    and so on, all different; incomplete batches are left out unless there is no other. `nested` draws the coarser
    nodes of a difference among its finer ones, which lowers the variance. In the last `completion` share of the budget
    ordinary steps follow, with as many graphs each.

    One graph is an extension that the authors do not run, since each step would need the fine gradient: there the
    differences are computed every `refresh_every` steps and count for all of these, and only the coarsest term is
    fresh in each; facts say `extension`.

    Profile `release` does what the published code does on sets of graphs: it sums the absolute values of the
    differences, which makes the estimate biased, and draws the two views of a difference independently.
    """

    def __init__(
        self,
        *,
        pooling: Literal["random", "subgraph"] = "random",
        levels: PositiveInt = 3,
        ratio: Ratio = 2.0,
        power: PositiveInt = 1,
        max_neighbors: PositiveInt | None = None,
        nested: bool = True,
        smallest_batch: PositiveInt = 4,
        refresh_every: PositiveInt = 10,
        completion: Fraction = 0.5,
        profile: Profile = "corrected",
    ) -> None:
        self.levels, self.smallest_batch, self.profile = levels, smallest_batch, profile
        self.nested = nested and profile == "corrected"
        self.refresh_every, self.completion = refresh_every, completion
        chosen = RandomPooling() if pooling == "random" else SubgraphPooling()
        self.coarsener = PooledCoarsener(chosen, ratio, power, max_neighbors)
        self._age = 0
        self._completes = False
        self._saw_finest = True
        self._extension = False

    def prepare(self, problem: Problem) -> Problem:
        if self.profile == "release" and problem.graph.graph_ptr is None:
            raise MethodError("the published code runs no multiscale gradients on one graph; leave out profile")
        self._extension = problem.graph.graph_ptr is None
        self.coarsener.prepare(problem.graph, self.levels, problem.generator)
        if problem.graph.graph_ptr is not None and training_graphs(problem).numel() < self.levels:
            raise MethodError(
                f"levels={self.levels} needs as many training graphs, but there are "
                f"{training_graphs(problem).numel()}; use fewer levels"
            )
        return problem

    def steps(self, problem: Problem, progress: Progress) -> Iterable[Step]:
        one = problem.graph.graph_ptr is None
        # a correction that still counts must not be added to ordinary steps
        if progress.fraction >= 1 - self.completion and not (one and self._age % self.refresh_every):
            self._completes = True
        for step in self._on_one(problem) if one else self._on_batches(problem):
            self._saw_finest = any(term.scale == 0 for term in step)
            yield step

    def settle(self, model: nn.Module, problem: Problem) -> None:
        if not self._saw_finest:
            reestimate_batch_norms(model, lambda: sample_of(problem, self.smallest_batch))

    def facts(self) -> dict[str, Any]:
        return {"profile": self.profile, "extension": self._extension, **self.coarsener.facts()}

    def _on_one(self, problem: Problem) -> Iterator[Step]:
        if self._completes:
            yield [Term(1.0, problem.graph)]
            return
        corrections: Step = []
        if self._age % self.refresh_every == 0:
            pairs = [self._pair(None, level) for level in range(self.levels - 1)]
            corrections = differences(pairs, self.refresh_every)
        self._age += 1
        (coarsest,) = self.coarsener.views(None, (self.levels - 1,))
        yield [*corrections, *remainder(coarsest, self.levels - 1)]

    def _on_batches(self, problem: Problem) -> Iterator[Step]:
        size = self.smallest_batch * (2**self.levels - 1)
        batches = list(shuffled_batches(training_graphs(problem).to(problem.device), size, problem.generator))
        if self._completes:
            for batch in batches:
                yield [Term(1.0, problem.graph.graphs(batch))]
            return
        for batch in [batch for batch in batches if batch.numel() == size] or batches[:1]:
            *finer, last = batch.split(part_sizes(batch.numel(), self.levels))
            pairs = [self._pair(part, level) for level, part in enumerate(finer)]
            (coarsest,) = self.coarsener.views(last, (self.levels - 1,))
            absolute = self.profile == "release"
            yield [*differences(pairs, absolute=absolute), *remainder(coarsest, self.levels - 1)]

    def _pair(self, graphs: Tensor | None, level: int) -> tuple[GraphView, GraphView]:
        """Views of the same graphs at a level and at the next coarser one."""
        if self.nested:
            fine, coarse = self.coarsener.views(graphs, (level, level + 1))
            return fine, coarse
        return self.coarsener.views(graphs, (level,))[0], self.coarsener.views(graphs, (level + 1,))[0]


def part_sizes(graphs: int, levels: int) -> list[int]:
    """Sizes in the ratio 1 : 2 : 4 ..., each at least 1, the last taking what is left."""
    parts = [max(1, graphs * 2**level // (2**levels - 1)) for level in range(levels - 1)]
    return [*parts, graphs - sum(parts)]

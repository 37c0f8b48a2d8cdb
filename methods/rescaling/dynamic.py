"""The rescalers of dynamic rescaling (Mustafa and Burkholz 2024): balance again and again while training goes on."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from methods.graph import GraphView
from methods.invariance import invariance_of
from methods.parameters import NonNegativeInt, PositiveInt
from methods.plugin import register
from methods.problem import Problem, Progress
from methods.rescaler import Factors, Rescaler
from methods.rescaling.balance import Balanced, Profile, balance
from methods.rescaling.criteria import Criterion
from methods.rescaling.moments import Moments

_GRAPHS = 256  # of a set, to see by how much a network that is not invariant changes

Rule = Literal["none", "dr_w", "dr_rg", "dr_c"]


class DynamicRescaling(Rescaler):
    """Balance in the first step of some epochs, by weight norms before it and by relative gradients within it.

    `every` counts epochs, from epoch `start` on. `profile` is described in `methods.rescaling.balance`, `moments` in
    `methods.rescaling.moments`.
    """

    rule: Rule

    def __init__(
        self,
        *,
        every: PositiveInt = 10,
        start: NonNegativeInt = 0,
        sweeps: PositiveInt = 10,
        profile: Profile = "corrected",
        moments: Moments = "leave",
    ) -> None:
        self.every, self.start, self.sweeps, self.profile, self.moments = every, start, sweeps, profile, moments
        self._epoch = -1
        self._record = _Record()

    def attach(self, model: nn.Module, optimizer: Optimizer, problem: Problem) -> None:
        super().attach(model, optimizer, problem)
        self.invariance = invariance_of(model, type(self).__name__)

    def before_forward(self, progress: Progress) -> Factors | None:
        self._is_first = progress.epoch != self._epoch
        self._epoch = progress.epoch
        if self.rule in ("dr_w", "dr_c") and self._is_first and self._is_due(progress.epoch):
            return self._balance("weight_norm", progress.epoch)
        return None

    def before_update(self, progress: Progress) -> Factors | None:
        # DR_C: weight norms when due, relative gradients in all other epochs (section 3 of the paper)
        due = self._is_due(progress.epoch)
        wanted = due if self.rule == "dr_rg" else self.rule == "dr_c" and not due and progress.epoch >= self.start
        return self._balance("relative_gradient", progress.epoch) if wanted and self._is_first else None

    def _is_due(self, epoch: int) -> bool:
        return epoch >= self.start and (epoch - self.start) % self.every == 0

    def _balance(self, criterion: Criterion, epoch: int) -> Factors | None:
        # only the first time: where the function changes, so does it every time, and looking costs two predictions
        watched = not self.invariance.exact and self._record.violation is None
        before = self._outputs() if watched else None
        done = balance(
            self.invariance,
            criterion,
            sweeps=self.sweeps,
            profile=self.profile,
            optimizer=self.optimizer,
            moments=self.moments,
        )
        self._record.add(epoch, criterion, done)
        if before is not None:
            self._record.violation = _change(before, self._outputs())
        return done.factors

    def _outputs(self) -> Tensor:
        graph = self.problem.graph
        was_training = self.model.training
        self.model.eval()
        with torch.no_grad():
            outputs = self.model(_some_graphs(graph))
        self.model.train(was_training)
        return outputs

    def facts(self) -> dict[str, Any]:
        return {"profile": self.profile, "exact": self.invariance.exact, **self._record.facts()}


@register("rescaler", "dr_w")
class WeightNormRescaling(DynamicRescaling):
    """Balance squared weight norms every few epochs (DR_W, Mustafa and Burkholz 2024)."""

    rule = "dr_w"


@register("rescaler", "dr_rg")
class RelativeGradientRescaling(DynamicRescaling):
    """Balance squared relative gradients every few epochs (DR_RG, Mustafa and Burkholz 2024)."""

    rule = "dr_rg"


@register("rescaler", "dr_c")
class CombinedRescaling(DynamicRescaling):
    """Balance weight norms every few epochs and relative gradients in all others (DR_C, Mustafa and Burkholz 2024)."""

    rule = "dr_c"


class _Record:
    """What the record of a trial says about its rebalancing."""

    def __init__(self) -> None:
        self.violation: dict[str, float] | None = None
        self.rebalances: dict[str, int] = {}
        self._sweeps = self._skipped = self._most_resting = 0
        self._first: dict[str, Any] | None = None
        self._last: dict[str, Any] | None = None

    def add(self, epoch: int, criterion: Criterion, done: Balanced) -> None:
        self.rebalances[criterion] = self.rebalances.get(criterion, 0) + 1
        self._sweeps += done.sweeps
        self._skipped += done.factors is None
        self._most_resting = max(self._most_resting, done.resting)
        entry = {"epoch": epoch, "criterion": criterion, "largest_log_factor": done.largest, "moves": list(done.moves)}
        self._first, self._last = self._first or entry, entry

    def facts(self) -> dict[str, Any]:
        count = sum(self.rebalances.values())
        return {
            "rebalances": dict(self.rebalances),
            "skipped": self._skipped,
            "mean_sweeps": self._sweeps / count if count else 0.0,
            "most_resting_units": self._most_resting,
            "first": self._first,
            "last": self._last,
            "violation": self.violation,
        }


def _some_graphs(graph: GraphView) -> GraphView:
    if graph.graph_ptr is None or graph.num_graphs <= _GRAPHS:
        return graph
    return graph.graphs(torch.arange(_GRAPHS, device=graph.x.device))


def _change(before: Tensor, after: Tensor) -> dict[str, float]:
    """Largest absolute change of an output, alone and over the largest output."""
    change, size = float((after - before).abs().max()), float(before.abs().max())
    return {"largest_change": change, "relative_change": change / size if size else 0.0}

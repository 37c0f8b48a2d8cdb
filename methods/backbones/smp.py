"""Smoothness-aware message propagation (Wang et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor
from torch.overrides import has_torch_function_unary

from methods.adjacency import Adjacency
from methods.aggregate import aggregate, aggregate_exactly
from methods.backbones.backbone import State
from methods.backbones.propagation import Propagation
from methods.errors import SpecError
from methods.parameters import NonNegative, Positive
from methods.plugin import register
from methods.smoothness import inner_product

INITIAL_SLACK = 1e-3
"""The slack of the constraint before the first step, as in the authors' code; 0 would stay 0."""

REFERENCE_ENTRIES = 13264
"""Entries of Cora's A_hat, the graph whose `multiplier_step` the authors chose."""

MULTIPLIER_BOUND = 5.0
"""A normalised multiplier stays within this many times 1 / (1 + smoothness)."""


@register("backbone", "smp")
class SMP(Propagation):
    """Predictions spread by steps whose change may not differ much between neighbours (Wang et al. 2023).

    With mu = `smoothness`, eta = `step_size` and E the entries of A_hat, self-loops included, a step from H to H+ is

        H~ = H - eta [(H - H0) + mu L H]            descent of ||H - H0||^2 / 2 + mu tr(H^T L H) / 2
        D  = H~ - H,  T = tr(D^T L D)               wanted: T <= `threshold` E
        H+ = H~ + 2 eta lambda C
        s      += 2 `slack_step` lambda s
        lambda += `multiplier_step` (`threshold` E - s^2 - T)

    the basic differential multiplier method for lambda g, g = `threshold` E - s^2 - T. C = L D = D - A_hat D
    (`correction=laplacian`) is the gradient, C = A_hat D (`adjacency`) what the authors' code does. `projected` has
    neither lambda nor s: H+ = H + D min(1, sqrt(`threshold` E / T)), so the constraint holds in every step. With
    lambda = `multiplier_step` = 0 and eta = 1 / (1 + mu) this is APPNP with teleport eta. `step_size` none is that eta;
    the objective descends below 2 / (1 + 2 mu).

    Lambda (`multiplier` at first) and s start anew in every forward pass, and gradients flow through them.
    `normalize_multiplier` divides the update of lambda by E / 13264, which is 1 for Cora, lest lambda grow with the
    graph, and clamps lambda to [-5, 5] / (1 + mu); without it, the update is the authors'.

    T and E are those of the whole view, on a set of graphs those of the union: graphs in one view share lambda and so
    do see each other. T is <D, D - A_hat D>, since A_hat D is there anyway; on a directed or sampled graph, where L is
    not positive semidefinite, it can be negative. A step costs two propagations and looks two hops far (`projected`:
    one), not counting the scalars.

    A quantizer rounds the two products that make H+, not T, which then costs a product of its own.
    `freeze_multiplier` predicts with the lambdas of the last pass in training and without any T: a fixed recurrence.
    """

    multipliers: Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        smoothness: NonNegative = 9.0,
        step_size: Positive | None = None,
        threshold: Positive = 0.1,
        multiplier: float = 1e-3,
        multiplier_step: NonNegative = 1e-5,
        slack_step: NonNegative = 1e-5,
        correction: Literal["laplacian", "adjacency", "projected"] = "laplacian",
        normalize_multiplier: bool = True,
        freeze_multiplier: bool = False,
        **shared,
    ) -> None:
        if freeze_multiplier and correction == "projected":
            raise SpecError("smp(correction=projected) has no multiplier; leave out freeze_multiplier")
        super().__init__(in_features, out_features, **shared)
        self.hops = self.steps if correction == "projected" else 2 * self.steps
        self.smoothness, self.threshold, self.correction = smoothness, threshold, correction
        self.step_size = 1 / (1 + smoothness) if step_size is None else step_size
        self.multiplier, self.multiplier_step, self.slack_step = multiplier, multiplier_step, slack_step
        self.normalize_multiplier, self.freeze_multiplier = normalize_multiplier, freeze_multiplier
        if freeze_multiplier:  # the lambda of each step in the last pass of training; not a number before the first
            self.register_buffer("multipliers", torch.full((self.steps,), torch.nan))

    def states(self, start: Tensor, adjacency: Adjacency) -> Iterator[State]:
        """The start and the state after each step.

        Scalars: `constraint`, T - `threshold` E of the step's uncorrected change, and `multiplier`, lambda after the
        step, which exists before the first step as well and does not exist with `correction=projected`. With frozen
        multipliers there is neither in evaluation.
        """
        operator = adjacency.normalized("symmetric", self_loops=True)
        if self.correction == "projected":
            return self._projected(start, operator)
        if self.freeze_multiplier and not self.training and not bool(self.multipliers.isnan().any()):
            return self._frozen(start, operator)
        return self._corrected(start, operator)

    def _corrected(self, start: Tensor, operator: Adjacency) -> Iterator[State]:
        state, multiplier, slack = start, start.new_full((), self.multiplier), start.new_full((), INITIAL_SLACK)
        used: list[Tensor] = []
        yield State(state, {"multiplier": multiplier})
        for _ in range(self.steps):
            moved, change = self._change(state, start, operator)
            spread = aggregate(operator, change)
            rough = exact = change - spread
            if has_torch_function_unary(change):  # a quantizer rounds the product that corrects, T is that of D itself
                exact = change - aggregate_exactly(operator, change)
            excess = inner_product(change, exact) - self.threshold * operator.entries
            used.append(multiplier.detach())
            state = moved + 2 * self.step_size * multiplier * (rough if self.correction == "laplacian" else spread)
            # the order counts: the state and the slack see the old multiplier, the multiplier sees the new slack
            slack = slack + 2 * self.slack_step * multiplier * slack
            multiplier = self._next_multiplier(multiplier, excess + slack.square(), operator.entries)
            yield State(state, {"constraint": excess, "multiplier": multiplier})
        if self.freeze_multiplier and self.training:
            self.multipliers = torch.stack(used).float()

    def _frozen(self, start: Tensor, operator: Adjacency) -> Iterator[State]:
        state = start
        yield State(state, {})
        for multiplier in self.multipliers.to(start.dtype):
            moved, change = self._change(state, start, operator)
            spread = aggregate(operator, change)
            correction = change - spread if self.correction == "laplacian" else spread
            state = moved + 2 * self.step_size * multiplier * correction
            yield State(state, {})

    def _projected(self, start: Tensor, operator: Adjacency) -> Iterator[State]:
        state, budget = start, self.threshold * operator.entries
        yield State(state, {})
        for _ in range(self.steps):
            _, change = self._change(state, start, operator)
            difference = inner_product(change, change - aggregate_exactly(operator, change))
            # T is quadratic in D; the clamp keeps changes that fit, and the root away from what rounding made negative
            state = state + change * (difference / budget).clamp(min=1).rsqrt()
            yield State(state, {"constraint": difference - budget})

    def _change(self, state: Tensor, start: Tensor, operator: Adjacency) -> tuple[Tensor, Tensor]:
        """H~ and D, [nodes, out_features] each."""
        moved = self.smoothness * self.step_size * aggregate(operator, state) + self.step_size * start
        kept = 1 - (1 + self.smoothness) * self.step_size
        if kept != 0:
            moved = moved + kept * state
        return moved, moved - state

    def _next_multiplier(self, multiplier: Tensor, violation: Tensor, entries: int) -> Tensor:
        """Ascent by -violation = g."""
        if not self.normalize_multiplier:
            return multiplier - self.multiplier_step * violation
        bound = MULTIPLIER_BOUND / (1 + self.smoothness)
        per_entry = violation / entries
        return (multiplier - self.multiplier_step * REFERENCE_ENTRIES * per_entry).clamp(-bound, bound)

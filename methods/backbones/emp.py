"""Elastic message passing (Liu et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.aggregate import aggregate, aggregate_exactly
from methods.backbones.backbone import State
from methods.backbones.propagation import Propagation
from methods.incidence import incidence
from methods.parameters import NonNegative
from methods.plugin import register


@register("backbone", "emp")
class EMP(Propagation):
    """A perceptron's predictions smoothed with both l1 and l2 penalties on edges (Liu et al. 2021, fig. 1).

    With the incidence matrix B of `methods.incidence` and gamma = 1 / (1 + lambda2), beta = 1 / (2 gamma), the steps

        Y = gamma H0 + (1 - gamma) A_hat H
        Z = project(Z + beta B (Y - gamma B^T Z))
        H = Y - gamma B^T Z                                                         from H = H0, Z = 0

    descend ||H - H0||^2 / 2 + lambda2 tr(H^T L H) / 2 + lambda1 ||B H||, and converge for these gamma and beta.
    `norm=l21` sums the lengths of the edges' differences, so `project` shortens rows of Z to length lambda1; `l1` sums
    their absolute entries, and `project` clamps the entries of Z. With lambda1 = 0 this is APPNP with teleport gamma.

    A quantizer rounds the product with A_hat. Z and the products with B belong to what a step combines, which stays in
    FP32 (Wang et al. 2023).

    A step costs three sparse products, and training keeps a few tensors [edges, out_features] of every step. A step
    looks two hops far: a node's edges see its neighbours' Y. On a directed graph A_hat keeps its directions, and B has
    one row for every pair of nodes that are joined; see `methods.incidence`.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        lambda1: NonNegative = 9.0,
        lambda2: NonNegative = 9.0,
        norm: Literal["l21", "l1"] = "l21",
        **shared,
    ) -> None:
        super().__init__(in_features, out_features, **shared)
        self.hops = 2 * self.steps
        self.lambda1, self.lambda2, self.norm = lambda1, lambda2, norm

    def states(self, start: Tensor, adjacency: Adjacency) -> Iterator[State]:
        operator = adjacency.normalized("symmetric", self_loops=True)
        differences = incidence(adjacency)
        ends = differences.transposed()
        gamma = 1 / (1 + self.lambda2)
        beta = 1 / (2 * gamma)
        state, pull = start, torch.zeros_like(start)  # pull is B^T Z, which two steps share
        dual = start.new_zeros(differences.rows, start.shape[1])
        yield State(state, {})
        for _ in range(self.steps):
            spread = (1 - gamma) * aggregate(operator, state) + gamma * start
            dual = self._project(dual + beta * aggregate_exactly(differences, spread - gamma * pull))
            pull = aggregate_exactly(ends, dual)
            state = spread - gamma * pull
            yield State(state, {})

    def _project(self, dual: Tensor) -> Tensor:
        """The nearest point of the dual norm's ball of radius lambda1, [edges, out_features]."""
        if self.norm == "l1":
            return dual.clamp(-self.lambda1, self.lambda1)
        # of lambda1 = 0, the floor keeps 0 / 0 out of rows without a difference, and its square does not underflow
        floor = max(self.lambda1, torch.finfo(dual.dtype).tiny ** 0.5)
        return dual * (self.lambda1 / torch.linalg.vector_norm(dual, dim=1, keepdim=True).clamp(min=floor))

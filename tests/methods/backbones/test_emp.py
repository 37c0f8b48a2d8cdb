"""Elastic message passing against its equations, written with dense matrices."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.backbones.appnp import APPNP
from methods.backbones.emp import EMP

NORMS = pytest.mark.parametrize("norm", ["l21", "l1"])


def dense_incidence(adjacency: Adjacency) -> Tensor:
    """One row an edge, +1 and -1 over the roots of the degrees after self-loops, float64."""
    degrees = adjacency.degrees().double() + 1
    rows = []
    for target, source in zip(adjacency.row_of_entry().tolist(), adjacency.indices.tolist(), strict=True):
        if target < source:
            row = torch.zeros(adjacency.rows, dtype=torch.float64)
            row[target], row[source] = degrees[target].rsqrt(), -degrees[source].rsqrt()
            rows.append(row)
    return torch.stack(rows)


def reference(start: Tensor, b: Tensor, steps: int, lambda1: float, lambda2: float, norm: str) -> Tensor:
    """Liu et al. 2021, fig. 1."""
    a_hat = torch.eye(len(start), dtype=torch.float64) - b.T @ b
    gamma = 1 / (1 + lambda2)
    beta = 1 / (2 * gamma)
    f, z = start, torch.zeros(len(b), start.shape[1], dtype=torch.float64)
    for _ in range(steps):
        y = gamma * start + (1 - gamma) * a_hat @ f
        f_bar = y - gamma * b.T @ z
        z_bar = z + beta * b @ f_bar
        if norm == "l1":
            z = z_bar.sign() * z_bar.abs().clamp(max=lambda1)
        else:
            length = z_bar.norm(dim=1, keepdim=True)
            z = torch.where(length > lambda1, lambda1 * z_bar / length, z_bar)
        f = y - gamma * b.T @ z
    return f


def penalised(h: Tensor, start: Tensor, b: Tensor, lambda1: float, lambda2: float, norm: str) -> Tensor:
    differences = b @ h
    lengths = differences.abs().sum() if norm == "l1" else differences.norm(dim=1).sum()
    return (h - start).square().sum() / 2 + lambda2 / 2 * differences.square().sum() + lambda1 * lengths


@NORMS
@pytest.mark.parametrize("lambda1", [0.05, 9.0])
def test_the_steps_of_the_paper(norm: str, lambda1: float, graph: Adjacency) -> None:
    model = EMP(3, 3, steps=7, lambda1=lambda1, lambda2=3.0, norm=norm)  # type: ignore[arg-type]
    start = torch.randn(24, 3, dtype=torch.float64)
    *_, last = model.states(start, graph)
    assert last.outputs.dtype == torch.float64
    expected = reference(start, dense_incidence(graph), 7, lambda1, 3.0, norm)
    torch.testing.assert_close(last.outputs, expected, atol=1e-6, rtol=1e-6)
    unpenalised = reference(start, dense_incidence(graph), 7, 0.0, 3.0, norm)
    assert float((expected - unpenalised).abs().max()) > 1e-3, "the penalty matters in this test"


@NORMS
def test_the_limit_minimises_the_objective(norm: str, graph: Adjacency) -> None:
    settings = {"lambda1": 0.3, "lambda2": 1.0, "norm": norm}
    b, generator = dense_incidence(graph), torch.Generator().manual_seed(0)
    start = torch.randn(24, 2, dtype=torch.float64, generator=generator)
    *_, last = EMP(3, 2, steps=500, **settings).states(start, graph)  # type: ignore[arg-type]
    least = penalised(last.outputs, start, b, **settings)  # type: ignore[arg-type]
    for _ in range(20):
        other = last.outputs + 0.01 * torch.randn(24, 2, dtype=torch.float64, generator=generator)
        assert float(least) < float(penalised(other, start, b, **settings))  # type: ignore[arg-type]


@NORMS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_the_first_penalty_it_is_appnp(norm: str, dtype: torch.dtype, graph: Adjacency) -> None:
    start = torch.randn(24, 3, dtype=dtype, requires_grad=True)
    *_, ours = EMP(3, 3, lambda1=0.0, lambda2=9.0, norm=norm).states(start, graph)  # type: ignore[arg-type]
    *_, theirs = APPNP(3, 3, alpha=0.1).states(start, graph)
    assert torch.equal(ours.outputs, theirs.outputs)
    left, right = (torch.autograd.grad(state.outputs.square().sum(), start)[0] for state in (ours, theirs))
    torch.testing.assert_close(left, right)


@pytest.mark.parametrize("lambda1", [0.0, 9.0])
def test_edges_without_a_difference_give_finite_numbers(lambda1: float, graph: Adjacency) -> None:
    start = torch.zeros(24, 3, requires_grad=True)  # rows of Z that are 0 have no direction
    *_, last = EMP(3, 3, lambda1=lambda1).states(start, graph)
    assert not last.outputs.any()
    last.outputs.sum().backward()
    assert start.grad is not None
    assert bool(start.grad.isfinite().all())

"""Sampled rows of a linear network's least squares (specification 4.3 and 9.5)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from methods.strategies.multiscale.pooling import Draw, kept_nodes
from methods.strategies.multiscale.random_pooling import RandomPooling


@dataclass
class LeastSquares:
    """F(W) = |Z W - Y|^2 / (2 N) with Z = S^2 X."""

    graph: object
    z: torch.Tensor
    y: torch.Tensor
    w: torch.Tensor
    generator: torch.Generator

    def row_gradients(self) -> torch.Tensor:
        """g_i = z_i (z_i^T W - y_i^T), [nodes, features * outputs]."""
        residual = self.z @ self.w - self.y
        return (self.z.unsqueeze(2) * residual.unsqueeze(1)).flatten(1)

    def draw(self, level: int) -> torch.Tensor:
        order = torch.randperm(len(self.z), generator=self.generator)
        return RandomPooling().select(self.graph, kept_nodes(self.graph, 2.0, level), Draw(order, level))  # type: ignore[arg-type]


@pytest.fixture
def squares(graphs) -> LeastSquares:
    graph = graphs.view_of(graphs.random_adjacency(400, 1600, True, 0))
    operator = graphs.dense(graph.adjacency.normalized("symmetric", self_loops=True))
    generator = torch.Generator().manual_seed(1)
    y, w = (torch.randn(rows, 2, generator=generator, dtype=torch.float64) for rows in (400, 5))
    return LeastSquares(graph, operator @ (operator @ graph.x.double()), y, w, generator)


def test_the_surrogate_gradient_is_unbiased(squares: LeastSquares) -> None:
    rows = squares.row_gradients()
    draws = torch.stack([rows[squares.draw(2)].mean(0) for _ in range(5000)])
    assert ((draws.mean(0) - rows.mean(0)).abs() < 4 * draws.std(0) / 5000**0.5).all()


@pytest.mark.parametrize("level", [1, 2, 3])
def test_its_squared_error_is_that_of_simple_random_sampling(squares: LeastSquares, level: int) -> None:
    rows = squares.row_gradients()
    kept = 400 // 2**level
    squared = [(rows[squares.draw(level)].mean(0) - rows.mean(0)).square().sum() for _ in range(5000)]
    expected = (1 / kept) * (1 - kept / 400) * rows.var(0).sum()
    assert float(torch.stack(squared).mean()) == pytest.approx(float(expected), rel=0.05)


def test_the_residual_bound_of_sketch_and_solve_holds_in_every_draw(squares: LeastSquares) -> None:
    basis, _ = torch.linalg.qr(torch.cat([squares.z, squares.y], 1))
    best = torch.linalg.lstsq(squares.z, squares.y).solution
    least = (squares.z @ best - squares.y).square().sum()
    held = 0
    for level in (1, 2) * 100:
        nodes = squares.draw(level)
        sketch = 400 / nodes.numel() * basis[nodes].T @ basis[nodes]
        epsilon = float((torch.linalg.eigvalsh(sketch) - 1).abs().max())
        if epsilon >= 1:
            continue
        held += 1
        solved = torch.linalg.lstsq(squares.z[nodes], squares.y[nodes]).solution
        residual = (squares.z @ solved - squares.y).square().sum()
        assert residual <= (1 + epsilon) / (1 - epsilon) * least * (1 + 1e-9)
    assert held > 150

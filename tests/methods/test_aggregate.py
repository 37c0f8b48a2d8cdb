"""Sparse sums and attention against dense references, values and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.aggregate import aggregate, attend, attend_by_edges
from methods.errors import MethodError


def test_sum_over_in_neighbours_by_hand(directed: Adjacency) -> None:
    x = torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [8.0, 80.0]])
    assert aggregate(directed, x).tolist() == [[0, 0], [5, 50], [0, 0], [2, 20]]


@pytest.mark.parametrize("kind", ["none", "symmetric", "mean"])
def test_sums_equal_the_dense_product(uneven: Adjacency, kind: str) -> None:
    operator = uneven.normalized(kind, self_loops=True)  # type: ignore[arg-type]
    x = torch.randn(60, 13)
    torch.testing.assert_close(aggregate(operator, x), operator.sparse_tensor().to_dense() @ x)


@pytest.mark.parametrize("kind", ["none", "symmetric", "mean"])
def test_gradients_of_sums_are_exact_to_second_order(directed: Adjacency, kind: str) -> None:
    operator = directed.normalized(kind, self_loops=True)  # type: ignore[arg-type]
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: aggregate(operator, x), x)
    assert torch.autograd.gradgradcheck(lambda x: aggregate(operator, x), x)


def test_gradients_of_a_rectangle(directed: Adjacency) -> None:
    matrix = Adjacency(torch.tensor([0, 2, 2, 3]), torch.tensor([1, 3, 0]), 5, torch.tensor([2.0, 3.0, 4.0]))
    x = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    assert aggregate(matrix, x).shape == (3, 2)
    assert torch.autograd.gradcheck(lambda x: aggregate(matrix, x), x)


def test_an_input_that_is_not_contiguous(uneven: Adjacency) -> None:
    x = torch.randn(7, 60).T
    torch.testing.assert_close(aggregate(uneven, x), aggregate(uneven, x.contiguous()))


def test_wrong_shapes_are_named(directed: Adjacency) -> None:
    with pytest.raises(MethodError, match=r"shape \[4, features\] but got \[3, 2\]"):
        aggregate(directed, torch.zeros(3, 2))
    with pytest.raises(MethodError, match=r"attend needs shapes .*\(4, 2, 5\).* but got .*\(3, 2, 5\)"):
        attend(directed, torch.zeros(4, 2), torch.zeros(4, 2), torch.zeros(3, 2, 5))


def dense_attention(adjacency: Adjacency, sources: Tensor, targets: Tensor, messages: Tensor) -> Tensor:
    """Velickovic et al. 2018, eq. 3-4, with an [rows, columns] matrix a head."""
    mask = adjacency.sparse_tensor().to_dense() > 0
    scores = torch.nn.functional.leaky_relu(targets.T.unsqueeze(2) + sources.T.unsqueeze(1), 0.2)
    weights = torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=2).nan_to_num(0.0)
    return torch.einsum("hvu,uhc->vhc", weights, messages)


def inputs(nodes: int, heads: int, channels: int, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = ((nodes, heads), (nodes, heads), (nodes, heads, channels))
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def test_attention_by_hand(directed: Adjacency) -> None:
    # node 1 hears 0 and 2 with scores 0 and ln 3, so it weighs them 1/4 and 3/4; node 3 hears only node 1
    sources = torch.tensor([[0.0], [5.0], [3.0], [0.0]]).log().clamp(min=0)
    messages = torch.tensor([4.0, 7.0, 8.0, 9.0]).view(4, 1, 1)
    out = attend(directed, sources, torch.zeros(4, 1), messages)
    torch.testing.assert_close(out.flatten(), torch.tensor([0.0, 1 / 4 * 4 + 3 / 4 * 8, 0.0, 7.0]))


def test_attention_by_edges_equals_dense_attention_in_float64(uneven: Adjacency) -> None:
    given = inputs(60, 2, 3, torch.float64)
    torch.testing.assert_close(attend(uneven, *given), dense_attention(uneven, *given))


def test_attention_by_edges_has_exact_gradients(directed: Adjacency) -> None:
    adjacency = directed.normalized("none", self_loops=True)
    given = inputs(4, 2, 3, torch.float64)
    assert torch.autograd.gradcheck(lambda *tensors: attend(adjacency, *tensors), given)


def test_scores_of_any_size_do_not_overflow(directed: Adjacency) -> None:
    sources, targets, messages = (tensor.detach() for tensor in inputs(4, 2, 3, torch.float32))
    for size in (1e4, -1e4):
        assert bool(torch.isfinite(attend(directed, sources + size, targets, messages)).all())
    # a common shift cancels in the softmax
    fused = attend(directed, sources + 1e2, targets, messages)
    torch.testing.assert_close(fused, attend(directed, sources + 1e2 + 8, targets, messages), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("nodes", [60])
def test_dropout_on_attention_keeps_the_expectation(uneven: Adjacency, nodes: int) -> None:
    sources, targets, messages = (tensor.detach() for tensor in inputs(nodes, 2, 3, torch.float32))
    torch.manual_seed(0)
    draws = [attend(uneven, sources, targets, messages, dropout=0.4) for _ in range(400)]
    clean = attend_by_edges(uneven, sources, targets, messages)
    torch.testing.assert_close(torch.stack(draws).mean(0), clean, atol=0.25, rtol=0)
    assert not torch.equal(draws[0], draws[1])
    torch.manual_seed(0)
    assert torch.equal(draws[0], attend(uneven, sources, targets, messages, dropout=0.4))

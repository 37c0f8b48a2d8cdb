"""Sparse sums and attention against dense references, values and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.aggregate import aggregate, attend, attend_by_edges, attend_dynamic, attend_dynamic_by_edges
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
    for sources, targets, attention in [((3, 2, 5), (4, 2, 5), (2, 5)), ((4, 2, 5), (4, 2, 5), (1, 2, 5))]:
        with pytest.raises(MethodError, match=r"attend_dynamic needs sources and targets .* but got .*\(4, 2, 5\)"):
            attend_dynamic(directed, torch.zeros(sources), torch.zeros(targets), torch.zeros(attention))


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


def dense_dynamic_attention(adjacency: Adjacency, sources: Tensor, targets: Tensor, attention: Tensor) -> Tensor:
    """Brody et al. 2022, eq. 7, with an [rows, columns, heads, channels] tensor."""
    mask = (adjacency.sparse_tensor().to_dense() > 0).unsqueeze(2)
    inner = torch.nn.functional.leaky_relu(targets.unsqueeze(1) + sources.unsqueeze(0), 0.2)
    scores = torch.einsum("vuhc,hc->vuh", inner, attention)
    weights = torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=1).nan_to_num(0.0)
    return torch.einsum("vuh,uhc->vhc", weights, sources)


def dynamic_inputs(nodes: int, heads: int, channels: int, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = ((nodes, heads, channels), (nodes, heads, channels), (heads, channels))
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def test_dynamic_attention_by_hand(directed: Adjacency) -> None:
    # node 1 hears 0 with score 2 (1 + 0) and 2 with score 2 * 0.2 (-5 + 0); node 3 hears only node 1
    sources = torch.tensor([1.0, 7.0, -5.0, 9.0]).view(4, 1, 1)
    out = attend_dynamic(directed, sources, torch.zeros(4, 1, 1), torch.tensor([[2.0]]))
    first, second = torch.tensor([2.0, -2.0]).softmax(0).tolist()
    torch.testing.assert_close(out.flatten(), torch.tensor([0.0, first * 1 + second * -5, 0.0, 7.0]))


def test_dynamic_attention_ranks_neighbours_anew_for_every_node() -> None:
    """What GAT cannot do (Brody et al. 2022, theorem 1): two targets that prefer different sources."""
    both = Adjacency(torch.tensor([0, 2, 4]), torch.tensor([0, 1, 0, 1]), columns=2)
    sources = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).view(2, 1, 2)
    targets = torch.tensor([[0.0, -1.0], [-1.0, 0.0]]).view(2, 1, 2)
    out = attend_dynamic(both, sources, targets, torch.ones(1, 2)).squeeze(1)
    assert out[0, 0] > out[0, 1] and out[1, 0] < out[1, 1]


def test_dynamic_attention_by_edges_equals_dense_attention_in_float64(uneven: Adjacency) -> None:
    given = dynamic_inputs(60, 2, 3, torch.float64)
    torch.testing.assert_close(attend_dynamic_by_edges(uneven, *given), dense_dynamic_attention(uneven, *given))


@pytest.mark.parametrize("self_loops", [False, True])
def test_dynamic_attention_by_edges_has_exact_gradients(directed: Adjacency, self_loops: bool) -> None:
    adjacency = directed.normalized("none", self_loops=self_loops)
    given = dynamic_inputs(4, 2, 3, torch.float64)
    assert torch.autograd.gradcheck(lambda *tensors: attend_dynamic(adjacency, *tensors), given)


def test_dynamic_scores_of_any_size_do_not_overflow(directed: Adjacency) -> None:
    sources, targets, attention = (tensor.detach() for tensor in dynamic_inputs(4, 2, 3, torch.float32))
    for size in (1e6, -1e6):
        assert bool(torch.isfinite(attend_dynamic(directed, sources, targets + size, attention)).all())


def test_dropout_on_dynamic_attention_keeps_the_expectation(uneven: Adjacency) -> None:
    given = [tensor.detach() for tensor in dynamic_inputs(60, 2, 3, torch.float32)]
    torch.manual_seed(0)
    draws = [attend_dynamic(uneven, *given, dropout=0.4) for _ in range(400)]
    torch.testing.assert_close(torch.stack(draws).mean(0), attend_dynamic_by_edges(uneven, *given), atol=0.25, rtol=0)
    assert not torch.equal(draws[0], draws[1])
    torch.manual_seed(0)
    assert torch.equal(draws[0], attend_dynamic(uneven, *given, dropout=0.4))

"""The Triton kernels, on a GPU or in Triton's interpreter, against the CPU kernels. Same masks, same numbers."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch

from methods.adjacency import Adjacency
from methods.kernels import on_cpu

pytest.importorskip("triton", reason="triton is not installed; pip install 'leangnn[triton]' tests the GPU kernels")

from methods.kernels import on_cuda

NODES, HEADS, CHANNELS, SLOPE, SEED = 18, 2, 5, 0.2, 12345


def to(device: torch.device, *tensors: torch.Tensor) -> list[torch.Tensor]:
    return [tensor.to(device) for tensor in tensors]


def assert_close(given: Iterable[torch.Tensor], expected: Iterable[torch.Tensor], atol: float = 1e-6) -> None:
    for one, other in zip(given, expected, strict=True):
        # a GPU approximates the exponential and fuses products with sums, the interpreter does neither
        loose = 10 if one.is_cuda else 1
        torch.testing.assert_close(one.cpu(), other, rtol=1e-5 * loose, atol=atol * loose)


@pytest.fixture(scope="module")
def directed() -> Adjacency:
    generator = torch.Generator().manual_seed(0)
    pattern = torch.rand(NODES, NODES, generator=generator) < 0.2
    pattern[3] = False  # a node without in-neighbours
    pattern[7] = True  # a hub
    targets, sources = pattern.nonzero(as_tuple=True)
    return Adjacency.from_edges(sources, targets, NODES)


@pytest.fixture(scope="module")
def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = [(NODES, HEADS), (NODES, HEADS), (NODES, HEADS, CHANNELS)]
    source_scores, target_scores, messages = (torch.randn(shape, generator=generator) for shape in shapes)
    return source_scores, target_scores, messages


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_forward_equals_the_cpu_kernel(device, directed, inputs, dropout):
    expected = on_cpu.attention_forward(directed, *inputs, SLOPE, dropout, SEED)
    given = on_cuda.attention_forward(directed.to(device), *to(device, *inputs), SLOPE, dropout, SEED)
    assert_close(given, expected)
    assert not given[0][3].any()


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_backward_equals_the_cpu_kernel(device, directed, inputs, dropout):
    out, lse = on_cpu.attention_forward(directed, *inputs, SLOPE, dropout, SEED)
    gradient = torch.randn(out.shape, generator=torch.Generator().manual_seed(2))
    delta = (gradient * out).sum(-1)
    expected = on_cpu.attention_backward(directed, *inputs, lse, delta, gradient, SLOPE, dropout, SEED)
    there = to(device, *inputs, lse, delta, gradient)
    assert_close(on_cuda.attention_backward(directed.to(device), *there, SLOPE, dropout, SEED), expected)


@pytest.fixture(scope="module")
def ends() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sources, targets and attention of GATv2."""
    generator = torch.Generator().manual_seed(3)
    shapes = [(NODES, HEADS, CHANNELS), (NODES, HEADS, CHANNELS), (HEADS, CHANNELS)]
    sources, targets, attention = (torch.randn(shape, generator=generator) for shape in shapes)
    return sources, targets, attention


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_dynamic_forward_equals_the_cpu_kernel(device, directed, ends, dropout):
    expected = on_cpu.dynamic_attention_forward(directed, *ends, SLOPE, dropout, SEED)
    given = on_cuda.dynamic_attention_forward(directed.to(device), *to(device, *ends), SLOPE, dropout, SEED)
    assert_close(given, expected)
    assert not given[0][3].any()


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_dynamic_backward_equals_the_cpu_kernel(device, directed, ends, dropout):
    out, lse = on_cpu.dynamic_attention_forward(directed, *ends, SLOPE, dropout, SEED)
    gradient = torch.randn(out.shape, generator=torch.Generator().manual_seed(2))
    delta = (gradient * out).sum(-1)
    expected = on_cpu.dynamic_attention_backward(directed, *ends, lse, delta, gradient, SLOPE, dropout, SEED)
    there = to(device, *ends, lse, delta, gradient)
    given = on_cuda.dynamic_attention_backward(directed.to(device), *there, SLOPE, dropout, SEED)
    assert_close(given, expected, atol=5e-6)

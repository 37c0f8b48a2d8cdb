"""The Triton kernels, run by Triton's interpreter on CPU tensors, against the CPU kernels. Same masks, same numbers."""

from __future__ import annotations

import os

import pytest
import torch

from methods.adjacency import Adjacency
from methods.kernels import on_cpu

pytest.importorskip("triton", reason="triton is not installed; pip install 'leangnn[triton]' tests the GPU kernels")
if os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("Triton's interpreter is off on a machine with a GPU; set TRITON_INTERPRET=1", allow_module_level=True)

from methods.kernels import on_cuda

NODES, HEADS, CHANNELS, SLOPE, SEED = 18, 2, 5, 0.2, 12345


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
def test_forward_equals_the_cpu_kernel(directed, inputs, dropout):
    expected = on_cpu.attention_forward(directed, *inputs, SLOPE, dropout, SEED)
    given = on_cuda.attention_forward(directed, *inputs, SLOPE, dropout, SEED)
    for one, other in zip(given, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert torch.equal(given[0][3], torch.zeros(HEADS, CHANNELS))


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_backward_equals_the_cpu_kernel(directed, inputs, dropout):
    out, lse = on_cpu.attention_forward(directed, *inputs, SLOPE, dropout, SEED)
    gradient = torch.randn(out.shape, generator=torch.Generator().manual_seed(2))
    delta = (gradient * out).sum(-1)
    expected = on_cpu.attention_backward(directed, *inputs, lse, delta, gradient, SLOPE, dropout, SEED)
    given = on_cuda.attention_backward(directed, *inputs, lse, delta, gradient, SLOPE, dropout, SEED)
    for one, other in zip(given, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def ends() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sources, targets and attention of GATv2."""
    generator = torch.Generator().manual_seed(3)
    shapes = [(NODES, HEADS, CHANNELS), (NODES, HEADS, CHANNELS), (HEADS, CHANNELS)]
    sources, targets, attention = (torch.randn(shape, generator=generator) for shape in shapes)
    return sources, targets, attention


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_dynamic_forward_equals_the_cpu_kernel(directed, ends, dropout):
    expected = on_cpu.dynamic_attention_forward(directed, *ends, SLOPE, dropout, SEED)
    given = on_cuda.dynamic_attention_forward(directed, *ends, SLOPE, dropout, SEED)
    for one, other in zip(given, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert torch.equal(given[0][3], torch.zeros(HEADS, CHANNELS))


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_dynamic_backward_equals_the_cpu_kernel(directed, ends, dropout):
    out, lse = on_cpu.dynamic_attention_forward(directed, *ends, SLOPE, dropout, SEED)
    gradient = torch.randn(out.shape, generator=torch.Generator().manual_seed(2))
    delta = (gradient * out).sum(-1)
    expected = on_cpu.dynamic_attention_backward(directed, *ends, lse, delta, gradient, SLOPE, dropout, SEED)
    given = on_cuda.dynamic_attention_backward(directed, *ends, lse, delta, gradient, SLOPE, dropout, SEED)
    for one, other in zip(given, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=5e-6)

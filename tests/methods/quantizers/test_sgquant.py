"""Bits by degree: who gets how many, and what they make of a row."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.adjacency import Adjacency
from methods.method import Method
from methods.problem import Problem
from methods.quantizers.sgquant import BucketSite, SGQuant


@pytest.fixture
def ladder(posed: Problem) -> Problem:
    """Node k hears from k others."""
    targets = torch.arange(30).repeat_interleave(torch.arange(30))
    sources = torch.cat([torch.arange(k) for k in range(30)])
    return replace(posed, graph=replace(posed.graph, adjacency=Adjacency.from_edges(sources, targets, 30)))


def test_high_degrees_get_fewer_bits(ladder: Problem) -> None:
    quantizer = SGQuant()
    quantizer.begins(ladder.graph)
    assert quantizer.widths is not None
    assert quantizer.widths.tolist() == [8] * 10 + [4] * 10 + [2] * 10
    uneven = SGQuant(low=0.5, high=0.5)
    uneven.begins(ladder.graph)
    assert uneven.widths.tolist() == [8] * 15 + [2] * 15


def test_rows_have_as_many_values_as_their_bits_allow(ladder: Problem) -> None:
    quantizer = SGQuant()
    quantizer.begins(ladder.graph)
    x = torch.randn(30, 200, generator=torch.Generator().manual_seed(0)).requires_grad_()
    site = BucketSite(x, quantizer)
    out = site.train()(x)
    low, high = float(x.min()), float(x.max())
    for node, bits in ((3, 8), (12, 4), (25, 2)):
        step = (high - low) / (2**bits - 1)
        zero = round(-low / step)
        expected = ((x[node] / step + zero).round().clamp(0, 2**bits - 1) - zero) * step
        torch.testing.assert_close(out[node], expected)
        assert out[node].unique().numel() <= 2**bits
    out.sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))
    assert site.stored_bits() == pytest.approx(14 / 3)
    assert not site(torch.zeros(30, 2)).any()


def test_what_is_read_is_rounded_and_nothing_else(ladder: Problem) -> None:
    method = Method.parse("gcn(layers=2,hidden=8)+sgquant")
    quantizer = method.build("quantizer")
    model = quantizer.apply(method.build_backbone(ladder), ladder)
    assert set(model.bits()) == {
        f"{call}{n}.{role}" for call, role in (("linear", "input"), ("aggregate", "operand")) for n in (0, 1)
    }
    assert all(bits == pytest.approx(14 / 3) for bits in model.bits().values())
    assert quantizer.facts()["simulated"]


def test_evaluation_keeps_the_range_of_training(ladder: Problem) -> None:
    quantizer = SGQuant()
    site = BucketSite(torch.tensor([[-1.0, 3.0]]), quantizer).eval()
    assert site(torch.tensor([[-9.0, 9.0]])).tolist() == [[pytest.approx(-1, abs=0.02), pytest.approx(3, abs=0.02)]]
    assert site(torch.empty(0, 2)).shape == (0, 2)

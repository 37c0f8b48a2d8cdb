"""A network on codes call by call: what it keeps, what it does not, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.method import Method
from methods.problem import Problem
from methods.quantizers.packed_calls import PackedCalls


def packed(spec: str, problem: Problem) -> tuple[PackedCalls, torch.nn.Module]:
    torch.manual_seed(0)
    method = Method.parse(spec)
    plugin = method.build("quantizer")
    model = plugin.apply(method.build_backbone(problem), problem)
    found = plugin.pack(model, problem)
    assert isinstance(found, PackedCalls)
    return found, model


def test_bytes_are_codes_and_what_stands_beside_them(posed: Problem) -> None:
    model, _ = packed("gcn(layers=2,hidden=64,norm=batch)+minmax(bits=2)", posed)
    products = sum(product.bytes for product in model.products)
    # the last layer's bias is added behind its sum; a batch norm has four vectors and a counter
    beside = 4 * (3 + 4 * 64) + 8
    assert model.bytes == products + beside
    codes = sum(product.weight.bytes for product in model.products)
    assert codes == 64 * 2 + 3 * 16 + 2 * 8, "6 columns take 2 bytes, 64 take 16"


def test_no_float_copy_of_a_packed_matrix_is_kept(posed: Problem) -> None:
    model, _ = packed("smp(steps=2,hidden=16)+minmax(bits=4)", posed)
    assert len(model.products) == 2
    assert all(parameter.is_meta for parameter in model.network.parameters())


def test_training_on_does_not_move_a_packed_model(posed: Problem, train) -> None:
    frozen, model = packed("gcn(layers=2,hidden=16,norm=batch)+minmax(bits=8)", posed)
    before = frozen(posed.graph)
    train(model, posed, 3)
    assert torch.equal(frozen(posed.graph), before)


def test_it_only_predicts(posed: Problem) -> None:
    model, _ = packed("smp(steps=2,hidden=16,dropout=0.9)+minmax(bits=8)", posed)
    assert not any(module.training for module in model.train().modules())
    assert torch.equal(model(posed.graph), model(posed.graph))


def test_bad_input_is_refused(posed: Problem) -> None:
    model, _ = packed("smp(steps=2,hidden=16)+minmax(bits=4)", posed)
    x = posed.graph.x.clone()
    x[3, 1] = torch.nan
    with pytest.raises(MethodError, match="NaN"):
        model(replace(posed.graph, x=x))
    given = posed.graph.adjacency
    weighted = Adjacency(given.indptr, given.indices, given.columns, 0.5 + torch.arange(given.entries) % 3)
    with pytest.raises(MethodError, match="unweighted"):
        model(replace(posed.graph, adjacency=weighted))

"""Aggregation of packed rows against fake quantization and against the definition (acceptance check 15)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.errors import MethodError
from methods.lowbit import reference
from methods.lowbit.aggregate import aggregate_packed, code_sums
from methods.lowbit.finish import Finish
from methods.lowbit.grid import Grid
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packed_rows import PackedRows
from methods.lowbit.packing import pack, quantize_rows, unpack

WIDTHS = (1, 6, 40, 64, 100, 257)


def operand_of(operator: SymmetricOperator, h: torch.Tensor, bits: int) -> PackedRows:
    scaled = operator.root.unsqueeze(1) * h
    return quantize_rows(h, Grid.of_range(float(scaled.min()), float(scaled.max()), bits), operator.root)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("columns", WIDTHS)
def test_sums_of_codes_are_those_of_the_definition(operator, generator, bits, columns) -> None:
    operand = operand_of(operator, torch.randn(150, columns, generator=generator), bits)
    assert torch.equal(code_sums(operator, operand), reference.code_sums(operator, operand))


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("columns", WIDTHS)
def test_integer_aggregation_equals_fake_quantization(graph, operator, generator, bits, columns) -> None:
    h = torch.randn(150, columns, generator=generator)
    operand = operand_of(operator, h, bits)
    fake = operand.grid.dequantize(unpack(operand))
    expected = operator.root.unsqueeze(1) * aggregate(operator.pattern, fake)
    found = aggregate_packed(operator, operand)
    assert float((found - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    # the same operator as in float
    exact = aggregate(graph.normalized("symmetric", self_loops=True), h)
    assert float((found - exact).norm() / exact.norm()) < {2: 2.0, 4: 0.5, 8: 0.05}[bits]


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_requantized_codes_are_identical_in_float64(operator, generator, bits) -> None:
    operand = operand_of(operator, torch.randn(150, 33, generator=generator), bits)
    to, root = Grid.of_range(-1.1, 1.3, bits), operator.root.double().unsqueeze(1)
    fake = operand.grid.dequantize(unpack(operand), torch.float64)
    dense = torch.zeros(150, 150, dtype=torch.float64)
    dense[operator.pattern.row_of_entry(), operator.pattern.indices.long()] = 1
    expected = to.quantize(root * (dense @ fake))
    found = reference.aggregate(operator, operand, Finish(to=to), torch.float64)
    assert torch.equal(reference.unpack(found), expected)
    # and float32 differs on the borders between two codes only
    assert (unpack(aggregate_packed(operator, operand, Finish(to=to))) != expected).float().mean() < 1e-3


FINISHES = {
    "bias and ReLU": Finish(relu=True, to=Grid.of_range(0, 2, 4)),
    "an aggregate with its own grid": Finish(result=Grid.of_range(-1, 1, 8), to=Grid.of_range(-1, 1, 2)),
    "the next operand": Finish(share=0.9, anchor_share=0.1, to=Grid.of_range(-0.5, 0.5, 8), for_next=True),
    "a skewed grid": Finish(relu=True, to=Grid(0.4, 0.7, 2, shift=0.3), result=Grid(0.1, 7.3, 4)),
    "float32": Finish(share=0.8, anchor_share=0.2, relu=True),
}


@pytest.mark.parametrize("name", FINISHES)
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("columns", [5, 40, 64, 72])
def test_every_finish_gives_the_bits_of_the_definition(operator, generator, name, bits, columns) -> None:
    h, bias = torch.randn(150, columns, generator=generator), torch.randn(columns, generator=generator)
    operand = operand_of(operator, h, bits)
    for anchor in (None, h, operand):
        finish = replace(FINISHES[name], anchor=anchor, bias=bias)
        found, expected = aggregate_packed(operator, operand, finish), reference.aggregate(operator, operand, finish)
        if isinstance(found, PackedRows):
            assert found.grid == finish.to and torch.equal(found.codes, expected.codes)
        else:
            assert torch.equal(found, expected)


def test_a_propagation_step_is_the_one_of_appnp(graph, operator, generator) -> None:
    h = torch.randn(150, 12, generator=generator)
    operand = operand_of(operator, h, 8)
    found = aggregate_packed(operator, operand, Finish(share=0.9, anchor=h, anchor_share=0.1))
    expected = 0.9 * aggregate(graph.normalized("symmetric", self_loops=True), h) + 0.1 * h
    assert float((found - expected).abs().max()) < 0.02


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_nodes_without_entries_aggregate_to_zero(graph, generator, bits) -> None:
    bare = SymmetricOperator.of(graph, self_loops=False)
    operand = operand_of(bare, torch.randn(150, 20, generator=generator), bits)
    found = aggregate_packed(bare, operand)
    assert torch.equal(found[3], torch.zeros(20)) and bool((found[7] != 0).any())


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("entries", [84, 85, 86, 257, 258, 3000])
def test_many_neighbours_of_the_largest_code_do_not_overflow(bits, entries) -> None:
    # node 0 hears from all others, whose codes are as large as they can be
    nodes = entries + 1
    star = Adjacency.from_edges(torch.arange(1, nodes), torch.zeros(entries, dtype=torch.int64), nodes)
    operator = SymmetricOperator.of(star, self_loops=False)
    codes = torch.full((nodes, 9), 2**bits - 1, dtype=torch.uint8)
    sums = code_sums(operator, pack(codes, Grid(1.0, 0, bits)))
    assert sums[0].unique().tolist() == [entries * (2**bits - 1)]


def test_few_rows_and_one_column(generator) -> None:
    # blocks of the kernel end behind the whole table
    pair = Adjacency.from_edges(torch.tensor([1]), torch.tensor([0]), 2)
    operator = SymmetricOperator.of(pair)
    operand = pack(torch.tensor([[3], [2]], dtype=torch.uint8), Grid(1.0, 0, 2))
    assert code_sums(operator, operand).tolist() == [[5], [2]]


def test_bad_input_is_refused(graph, operator, generator) -> None:
    operand = operand_of(operator, torch.randn(150, 8, generator=generator), 4)
    with pytest.raises(MethodError, match="150 nodes but 149"):
        aggregate_packed(operator, PackedRows(operand.codes[:149], 8, operand.grid))
    with pytest.raises(MethodError, match="bias"):
        aggregate_packed(operator, operand, Finish(bias=torch.zeros(7)))
    with pytest.raises(MethodError, match="anchor"):
        aggregate_packed(operator, operand, Finish(anchor=torch.zeros(150, 7)))
    with pytest.raises(MethodError, match="overflows int32"):
        aggregate_packed(replace(operator, most_entries=2**28), operand)
    with pytest.raises(MethodError, match="unweighted"):
        SymmetricOperator.of(graph.normalized("symmetric"))
    wide = Adjacency(graph.indptr, graph.indices, graph.columns)
    wide.indices, wide.indptr = wide.indices.long(), wide.indptr.long()
    with pytest.raises(MethodError, match="32-bit indices"):
        aggregate_packed(SymmetricOperator.of(wide, self_loops=False), operand)
    with pytest.raises(MethodError, match="NaN"):
        aggregate_packed(operator, operand, Finish(bias=torch.full((8,), math.nan), to=operand.grid))
    anchor = torch.zeros(150, 8)
    anchor[149, 7] = math.nan
    with pytest.raises(MethodError, match="NaN"):
        aggregate_packed(operator, operand, Finish(anchor=anchor, anchor_share=0.1, to=operand.grid))


def test_a_device_without_kernels_is_refused(operator) -> None:
    codes = torch.zeros(150, 4, dtype=torch.uint8, device="meta")
    with pytest.raises(MethodError, match="packed rows are on meta"):
        aggregate_packed(operator, PackedRows(codes, 8, Grid(1.0, 0, 4)))
    with pytest.raises(MethodError, match="not on meta"):
        quantize_rows(torch.zeros(3, 3, device="meta"), Grid(1.0, 0, 4))

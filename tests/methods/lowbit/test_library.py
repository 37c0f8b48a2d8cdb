"""torch's row-wise embedding bags against unpack and sum (acceptance check 16)."""

from __future__ import annotations

import pytest
import torch

from methods.aggregate import aggregate
from methods.errors import MethodError
from methods.lowbit.grid import Grid
from methods.lowbit.library import RowwiseRows
from methods.lowbit.packing import dequantize, quantize_rows


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("columns", [4, 40, 64])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_bags_equal_unpack_and_sum(graph, generator, bits, columns, threads) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        rows = RowwiseRows.of_floats(torch.randn(150, columns, generator=generator), bits)
        expected = aggregate(graph, rows.values())
        found = rows.sums(graph)
    finally:
        torch.set_num_threads(before)
    assert float((found - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    assert torch.equal(found[3], torch.zeros(columns))


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_weighted_bags(graph, generator, bits) -> None:
    operator = graph.normalized("symmetric", self_loops=True)
    rows = RowwiseRows.of_floats(torch.randn(150, 16, generator=generator), bits)
    torch.testing.assert_close(rows.sums(operator), aggregate(operator, rows.values()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_rows_of_one_grid_are_read_by_the_library(graph, generator, bits) -> None:
    packed = quantize_rows(torch.randn(150, 24, generator=generator), Grid.of_range(-2, 2, bits))
    rows = RowwiseRows.of_packed(packed)
    # codes, and 8 bytes behind them at 8 bits, 4 at fewer
    assert rows.bytes == 150 * (24 * bits // 8 + (8 if bits == 8 else 4))
    values = dequantize(packed)
    torch.testing.assert_close(rows.values(), values, rtol=1e-3, atol=1e-3 * 2)
    torch.testing.assert_close(rows.sums(graph), aggregate(graph, rows.values()), rtol=1e-5, atol=1e-4)


def test_widths_and_values_that_the_library_cannot_hold() -> None:
    with pytest.raises(MethodError, match="multiple of 4 columns"):
        RowwiseRows.of_floats(torch.zeros(3, 6), 2)
    with pytest.raises(MethodError, match="2, 4 or 8 bits"):
        RowwiseRows.of_floats(torch.zeros(3, 6), 3)
    with pytest.raises(MethodError, match="NaN"):
        RowwiseRows.of_floats(torch.full((3, 8), torch.nan), 4)

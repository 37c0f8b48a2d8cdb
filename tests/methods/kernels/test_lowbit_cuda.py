"""The Triton kernel of packed rows, on a GPU or in Triton's interpreter, against the definition in torch."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from methods.adjacency import Adjacency
from methods.errors import MethodError
from methods.lowbit import reference
from methods.lowbit.finish import Finish
from methods.lowbit.grid import Grid
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packed_rows import PackedRows

pytest.importorskip("triton", reason="triton is not installed; pip install 'leangnn[triton]' tests the GPU kernels")

from methods.kernels import lowbit_cuda

NODES = 14
FINISHES = {
    "float32": Finish(),
    "bias, ReLU and packing": Finish(relu=True, to=Grid.of_range(0, 2, 4)),
    "all that there is": Finish(
        result=Grid.of_range(-3, 3, 8), share=0.9, anchor_share=0.1, relu=True, to=Grid(0.3, 0.7, 2), for_next=True
    ),
}


@pytest.fixture(scope="module")
def operator(device: torch.device) -> SymmetricOperator:
    pattern = torch.rand(NODES, NODES, generator=torch.Generator().manual_seed(0)) < 0.2
    pattern[3] = False  # a node without in-neighbours
    pattern[7] = True  # a hub
    targets, sources = pattern.nonzero(as_tuple=True)
    return SymmetricOperator.of(Adjacency.from_edges(sources, targets, NODES).to(device), self_loops=False)


@pytest.mark.parametrize("columns", [5, 32])
@pytest.mark.parametrize("name", FINISHES)
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_aggregate_gives_the_bits_of_the_definition(device, operator, bits, name, columns) -> None:
    generator = torch.Generator().manual_seed(1)
    h, bias = (torch.randn(shape, generator=generator).to(device) for shape in ((NODES, columns), (columns,)))
    operand = reference.quantize_rows(h, Grid.of_range(-2, 2, bits), operator.root)
    for anchor in (h, operand) if name == "all that there is" else (None,):
        finish = replace(FINISHES[name], anchor=anchor, bias=None if name == "float32" else bias)
        found, expected = (module.aggregate(operator, operand, finish) for module in (lowbit_cuda, reference))
        if isinstance(found, PackedRows):
            assert torch.equal(found.codes, expected.codes) and found.grid == expected.grid
        else:
            assert torch.equal(found, expected) and not found[3].any()


def test_nan_is_found(device, operator) -> None:
    grid = Grid.of_range(-1, 1, 4)
    anchor = torch.zeros(NODES, 6, device=device)
    operand = reference.quantize_rows(anchor, grid)
    anchor[9, 5] = math.nan
    with pytest.raises(MethodError, match="NaN"):
        lowbit_cuda.aggregate(operator, operand, Finish(anchor=anchor, anchor_share=0.1, to=grid))

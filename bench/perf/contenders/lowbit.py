"""What one process measures about low-bit inference: aggregation alone, a GCN and a propagation model, in turns."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from bench.perf.contenders.graphs import CLASSES, FEATURES, arxiv_sized, power_law_edges
from bench.perf.contenders.lowbit_models import (
    STEPS,
    Bfloat16Sums,
    bfloat16_gcn,
    bfloat16_propagation,
    packed_gcn,
    packed_propagation,
    pyg_appnp,
)
from bench.perf.contenders.networks import HIDDEN, gcn, pyg_gcn_csr, pyg_gcn_edge_index
from bench.perf.interleave import Sample, interleave
from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.backbones.appnp import APPNP
from methods.graph import GraphView
from methods.lowbit.aggregate import aggregate_packed
from methods.lowbit.finish import Finish
from methods.lowbit.grid import BITS, Grid
from methods.lowbit.library import RowwiseRows
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packing import quantize_rows

FP32, BF16, PYG_EDGES, PYG_CSR = "LeanGNN FP32", "LeanGNN bf16", "PyG, edge_index", "PyG, CSR"
PACKED, TO_FLOATS, LIBRARY = "INT{}", "INT{} to float32", "torch.ops.quantized {}-bit bag"
PACKING = "INT{}: packing alone"
LARGER = 10
_ALPHA = 0.1
_COPIED = 1 << 28  # bytes
_COPIES = 9
_MMAP_MAX, _TRIM_THRESHOLD = -4, -1  # names of settings in glibc's malloc.h

Turns = dict[str, list[float]]
Work = Callable[[], Any]


@torch.inference_mode()
def aggregation(rounds: int, larger: bool = False, **graph: Any) -> dict[str, Any]:
    """A product of the normalised operator with a matrix 256 wide.

    Packed rows are summed either to float32, or with bias, ReLU, rounding and packing of the result included. The
    process keeps the memory that results leave behind, because the page faults of a float32 result take longer than
    its sums.

    Args:
        larger: on a random graph with ten times the nodes and edges.

    Returns:
        {"seconds": {variant: [turn]}, "bytes": {variant: what one product must read and write},
        "bandwidth": bytes a second of a copy}.
    """
    _keep_freed_memory()
    adjacency = arxiv_sized(**graph).view.adjacency
    if larger:
        nodes, edges = adjacency.rows * LARGER, adjacency.entries // 2 * LARGER
        sources, targets = power_law_edges(nodes, edges)
        adjacency = Adjacency.from_edges(sources, targets, nodes, symmetric=True)
    x = torch.randn(adjacency.rows, HIDDEN, generator=torch.Generator().manual_seed(0))
    operator, split = adjacency.normalized("symmetric", self_loops=True), SymmetricOperator.of(adjacency)
    half = Bfloat16Sums(split)
    x_half, bias = x.bfloat16(), torch.zeros(HIDDEN)
    variants: dict[str, Work] = {FP32: partial(aggregate, operator, x), BF16: partial(half.sums, x_half)}
    entries, cells = split.pattern.entries, adjacency.rows * HIDDEN
    gathered = entries * (HIDDEN * 4 + 4)
    moved = {FP32: gathered + entries * 4 + cells * 4, BF16: entries * (HIDDEN * 2 + 4) + cells * 2}
    for bits in BITS:
        grid, to = Grid.of_range(-3.0, 3.0, bits), Grid.of_range(0.0, 3.0, bits)
        operand = quantize_rows(x, grid, split.root)
        packed = Finish(bias=bias, relu=True, to=to)
        variants[TO_FLOATS.format(bits)] = partial(aggregate_packed, split, operand)
        variants[PACKED.format(bits)] = partial(aggregate_packed, split, operand, packed)
        variants[PACKING.format(bits)] = partial(quantize_rows, x, grid, split.root)
        if not larger:
            variants[LIBRARY.format(bits)] = partial(RowwiseRows.of_packed(operand).sums, split.pattern)
        read = entries * (HIDDEN * bits // 8 + 4)
        moved |= {TO_FLOATS.format(bits): read + cells * 4, PACKED.format(bits): read + cells * bits // 8}
    return {"seconds": _timed(variants, rounds), "bytes": moved, "bandwidth": _bandwidth()}


@torch.inference_mode()
def gcn_inference(rounds: int, **graph: Any) -> dict[str, Any]:
    """A GCN of three layers, 256 wide, from float features to logits.

    Returns:
        {"seconds": {variant: [turn]}, "differences": {bits: norm of the logits' difference to FP32, relative}}.
    """
    view = arxiv_sized(**graph).view
    torch.manual_seed(0)
    contenders = {PYG_EDGES: pyg_gcn_edge_index, PYG_CSR: pyg_gcn_csr, FP32: gcn}
    variants: dict[str, Work] = {}
    for name, build in contenders.items():
        contender = build(view)
        contender.network.eval()
        variants[name] = contender.forward
        layers = contender.network
    convolutions = layers.body.convolutions  # type: ignore[union-attr]
    weights = [convolution.weight.detach() for convolution in convolutions]  # type: ignore[union-attr, operator]
    biases = [convolution.bias.detach() for convolution in convolutions]  # type: ignore[union-attr, operator]
    variants[BF16] = bfloat16_gcn(weights, biases, view)
    for bits in BITS:
        variants[PACKED.format(bits)] = packed_gcn(weights, biases, view, bits)
    return {"seconds": _timed(variants, rounds), "differences": _differences(variants)}


@torch.inference_mode()
def propagation_inference(rounds: int, **graph: Any) -> dict[str, Any]:
    """A perceptron and ten steps of propagation at 40 classes, from float features; as `gcn_inference`."""
    view = arxiv_sized(**graph).view
    torch.manual_seed(0)
    network = APPNP(FEATURES, CLASSES, steps=STEPS, alpha=_ALPHA).eval()
    weights = [linear.weight.detach() for linear in network.linears]  # type: ignore[union-attr, operator]
    biases = [linear.bias.detach() for linear in network.linears]  # type: ignore[union-attr, operator]
    variants: dict[str, Work] = {
        PYG_EDGES: pyg_appnp(weights, biases, view, _ALPHA, csr=False),
        PYG_CSR: pyg_appnp(weights, biases, view, _ALPHA, csr=True),
        FP32: partial(_forward, network, view),
        BF16: bfloat16_propagation(weights, biases, view, _ALPHA),
    }
    for bits in BITS:
        variants[PACKED.format(bits)] = packed_propagation(weights, biases, view, _ALPHA, bits)
    return {"seconds": _timed(variants, rounds), "differences": _differences(variants)}


def _forward(network: APPNP, view: GraphView) -> Tensor:
    return network(view)


def _differences(variants: dict[str, Work]) -> dict[str, float]:
    """Of every variant's logits to those of FP32; PyG's GCN has weights of its own."""
    exact = variants[FP32]()
    names = [BF16, *(PACKED.format(bits) for bits in BITS)]
    return {name: float((variants[name]().float() - exact).norm() / exact.norm()) for name in names}


def _timed(variants: dict[str, Work], rounds: int) -> Turns:
    """Seconds of every variant once a round, after an untimed round in which kernels are compiled."""

    def turn(work: Work) -> Sample:
        started = time.perf_counter()
        work()
        return Sample(time.perf_counter() - started)

    callables = {name: partial(turn, work) for name, work in variants.items()}
    interleave(callables, 1)
    samples = interleave(callables, rounds).samples
    return {name: [sample.seconds for sample in turns] for name, turns in samples.items()}


def _keep_freed_memory() -> None:
    """Ask the C library, where it is glibc, not to give memory back to the system."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def _bandwidth() -> float:
    """Bytes read and written a second by the fastest of a few large copies."""
    source, target = torch.ones(_COPIED, dtype=torch.uint8), torch.ones(_COPIED, dtype=torch.uint8)
    seconds = _timed({"copy": partial(target.copy_, source)}, _COPIES)["copy"]
    return 2 * _COPIED / min(seconds)

"""The models of the low-bit comparison: packed ones, the same in bfloat16, and PyG's propagation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch_geometric import nn as pyg
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from bench.perf.contenders.graphs import edge_index
from methods.graph import GraphView
from methods.lowbit.calibration import gcn_grids, propagation_grids
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packed_gcn import PackedGCN
from methods.lowbit.packed_propagation import PackedPropagation

STEPS = 10
Forward = Callable[[], Tensor]


def packed_gcn(weights: list[Tensor], biases: list[Tensor], view: GraphView, bits: int) -> Forward:
    """A GCN of few bits, calibrated on the graph itself."""
    model = PackedGCN(weights, biases, gcn_grids(weights, biases, view.x, view.adjacency, bits))
    return lambda: model(view.x, view.adjacency)


def packed_propagation(
    weights: list[Tensor], biases: list[Tensor], view: GraphView, alpha: float, bits: int
) -> Forward:
    """A propagation model of few bits, calibrated on the graph itself."""
    grids = propagation_grids(weights, biases, view.x, view.adjacency, STEPS, alpha, bits)
    model = PackedPropagation(weights, biases, *grids, alpha)
    return lambda: model(view.x, view.adjacency)


class Bfloat16Sums:
    """D^-1/2 (A + I) D^-1/2 in bfloat16: an embedding bag between two scalings, which is faster than a weighted bag."""

    def __init__(self, operator: SymmetricOperator) -> None:
        self.pattern, self.root = operator.pattern, operator.root.bfloat16().unsqueeze(1)

    def sums(self, x: Tensor) -> Tensor:
        """(A + I) x, [nodes, columns] bfloat16."""
        bag = torch.embedding_bag(x, self.pattern.indices, self.pattern.indptr, mode=0, include_last_offset=True)
        return bag[0]

    def __call__(self, x: Tensor) -> Tensor:
        return self.sums(x * self.root).mul_(self.root)


def bfloat16_gcn(weights: list[Tensor], biases: list[Tensor], view: GraphView) -> Forward:
    """Our GCN with weights, activations and sums in bfloat16; the narrower side is aggregated, as in FP32."""
    weights, biases = [weight.bfloat16() for weight in weights], [bias.bfloat16() for bias in biases]
    propagate = Bfloat16Sums(SymmetricOperator.of(view.adjacency))

    def forward() -> Tensor:
        x = view.x.bfloat16()
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            if weight.shape[1] < weight.shape[0]:
                x = linear(propagate(x), weight, bias)
            else:
                x = propagate(linear(x, weight)).add_(bias)
            if layer < len(weights) - 1:
                x = x.relu_()
        return x

    return forward


def bfloat16_propagation(weights: list[Tensor], biases: list[Tensor], view: GraphView, alpha: float) -> Forward:
    """Our APPNP with everything in bfloat16.

    The steps run on D^-1/2 H, so that a step scales its rows once, by 1 / d.
    """
    weights, biases = [weight.bfloat16() for weight in weights], [bias.bfloat16() for bias in biases]
    operator = SymmetricOperator.of(view.adjacency)
    sums, root = Bfloat16Sums(operator), operator.root.unsqueeze(1)
    back = torch.where(root > 0, 1 / root, root).bfloat16()
    share, root = ((1 - alpha) * root**2).bfloat16(), root.bfloat16()

    def forward() -> Tensor:
        x = view.x.bfloat16()
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            x = linear(x, weight, bias).relu_()
        state = linear(x, weights[-1], biases[-1]).mul_(root)
        anchor = alpha * state
        for _ in range(STEPS):
            state = sums.sums(state).mul_(share).add_(anchor)
        return state.mul_(back)

    return forward


def pyg_appnp(weights: list[Tensor], biases: list[Tensor], view: GraphView, alpha: float, csr: bool) -> Forward:
    """PyG's APPNP behind the same perceptron, on `edge_index` or on a CSR tensor that was normalised beforehand."""
    edges = edge_index(view)
    spread = pyg.APPNP(STEPS, alpha, cached=not csr, normalize=not csr).eval()
    if csr:
        edges, entries = gcn_norm(edges, None, view.num_nodes)
        shape = (view.num_nodes, view.num_nodes)
        edges = torch.sparse_coo_tensor(edges.flip(0), entries, shape).to_sparse_csr()

    def forward() -> Tensor:
        x = view.x
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            x = linear(x, weight, bias).relu_()
        return spread(linear(x, weights[-1], biases[-1]), edges)

    return forward

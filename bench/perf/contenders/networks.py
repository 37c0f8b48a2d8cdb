"""The same networks by LeanGNN and by PyG: three layers, 256 wide, ReLU and dropout of 0.5 between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GATConv, GCNConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from bench.perf.contenders.graphs import CLASSES, FEATURES, edge_index
from methods.backbones.gat import GAT
from methods.backbones.gcn import GCN
from methods.graph import GraphView

HIDDEN, HEADS, DROPOUT = 256, 8, 0.5


@dataclass(frozen=True)
class Contender:
    """A network that is ready to train on one view; `forward()` gives the logits, [nodes, classes]."""

    network: nn.Module
    forward: Callable[[], Tensor]


def gcn(view: GraphView) -> Contender:
    """LeanGNN's GCN."""
    network = GCN(FEATURES, CLASSES, layers=3, hidden=HIDDEN, dropout=DROPOUT)
    return Contender(network, lambda: network(view))


def gat(view: GraphView) -> Contender:
    """LeanGNN's GAT with 8 heads of 32."""
    network = GAT(FEATURES, CLASSES, layers=3, hidden=HIDDEN, heads=HEADS, dropout=DROPOUT)
    return Contender(network, lambda: network(view))


def pyg_gcn_edge_index(view: GraphView) -> Contender:
    """PyG's GCNConv on `edge_index`; the normalisation is cached, as a full-batch user should."""
    network = PyGNetwork([GCNConv(wide, narrow, cached=True) for wide, narrow in _widths()])
    edges = edge_index(view)
    return Contender(network, lambda: network(view.x, edges))


def pyg_gcn_csr(view: GraphView) -> Contender:
    """PyG's GCNConv on a CSR tensor that was normalised beforehand (STACK: it multiplies with its transpose)."""
    network = PyGNetwork([GCNConv(wide, narrow, normalize=False) for wide, narrow in _widths()])
    edges, weights = gcn_norm(edge_index(view), None, view.num_nodes)
    shape = (view.num_nodes, view.num_nodes)
    operator = torch.sparse_coo_tensor(edges.flip(0), weights, shape).to_sparse_csr()
    return Contender(network, lambda: network(view.x, operator))


def pyg_gat(view: GraphView) -> Contender:
    """PyG's GATConv on `edge_index` with 8 heads of 32 and one output head."""
    layers = [GATConv(FEATURES, HIDDEN // HEADS, HEADS), GATConv(HIDDEN, HIDDEN // HEADS, HEADS)]
    network = PyGNetwork([*layers, GATConv(HIDDEN, CLASSES, 1)])
    edges = edge_index(view)
    return Contender(network, lambda: network(view.x, edges))


CONTENDERS: dict[str, Callable[[GraphView], Contender]] = {
    contender.__name__: contender for contender in (gcn, pyg_gcn_edge_index, pyg_gcn_csr, gat, pyg_gat)
}


class PyGNetwork(nn.Module):
    """Convolutions of PyG with ReLU and dropout between them."""

    def __init__(self, convolutions: list[nn.Module]) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(convolutions)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        for convolution in self.convolutions[:-1]:
            x = functional.dropout(functional.relu(convolution(x, edges)), DROPOUT, self.training)
        return self.convolutions[-1](x, edges)


def paired_parameters(ours: nn.Module, pyg: nn.Module) -> list[tuple[nn.Parameter, nn.Parameter]]:
    """The parameters of the two networks that mean the same; PyG's attention vectors have one more dimension."""
    pairs = []
    for mine, theirs in zip(ours.body.convolutions, pyg.convolutions, strict=True):  # type: ignore[arg-type, union-attr]
        pairs += [(mine.weight, theirs.lin.weight), (mine.bias, theirs.bias)]
        if isinstance(theirs, GATConv):
            pairs += [(mine.source_attention, theirs.att_src), (mine.target_attention, theirs.att_dst)]
    return pairs


def _widths() -> list[tuple[int, int]]:
    return [(FEATURES, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, CLASSES)]

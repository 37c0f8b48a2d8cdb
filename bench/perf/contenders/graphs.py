"""The graph that aggregation is timed on: ogbn-arxiv's real edges where they are at hand, else random ones as many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bench.datasets.registry import load
from bench.errors import DataError
from methods.adjacency import Adjacency
from methods.graph import GraphView

NODES, EDGES = 169_343, 1_157_799
"""Of ogbn-arxiv; edges are counted once."""
QUICK_NODES, QUICK_EDGES = 2_000, 10_000
FEATURES, CLASSES, TRAIN_SHARE = 128, 40, 0.54
_TAIL = 0.6  # endpoints are drawn with probability rank^-0.6, so that degrees have a power-law tail of exponent 2.7


class ArxivSized(NamedTuple):
    """A view with random features and labels, and where its edges come from."""

    view: GraphView
    origin: str


def arxiv_sized(quick: bool, data_dir: str | None, cache_dir: str | None) -> ArxivSized:
    """A graph of ogbn-arxiv's size; features [nodes, 128] and labels (40 classes) are random, only edges are real."""
    edges, nodes, origin = _edges(quick, data_dir, cache_dir)
    generator = torch.Generator().manual_seed(0)
    view = GraphView(
        x=torch.randn(nodes, FEATURES, generator=generator),
        adjacency=Adjacency.from_edges(edges[0], edges[1], nodes, symmetric=True),
        y=torch.randint(CLASSES, (nodes,), generator=generator),
        train_mask=torch.rand(nodes, generator=generator) < TRAIN_SHARE,
    )
    return ArxivSized(view, origin)


def edge_index(view: GraphView) -> Tensor:
    """[2, edges] int64 as PyG writes edges: sources above targets."""
    return torch.stack([view.adjacency.indices.long(), view.adjacency.row_of_entry()])


def power_law_edges(nodes: int, edges: int, seed: int = 0) -> Tensor:
    """Distinct undirected random edges without self-loops, in both directions: [2, 2 * edges] int64."""
    generator = np.random.default_rng(seed)
    chance = np.arange(1, nodes + 1) ** -_TAIL
    cumulative = np.cumsum(chance / chance.sum())
    keys = np.empty(0, np.int64)
    while len(keys) < edges:
        drawn = np.searchsorted(cumulative, generator.random((2, edges))).clip(max=nodes - 1)
        low, high = drawn.min(0), drawn.max(0)
        keys = np.unique(np.concatenate([keys, (low * nodes + high)[low != high]]))
    keys = generator.permutation(keys)[:edges]
    # ranks are renamed, or the hubs would lie side by side in memory
    name = generator.permutation(nodes)
    ends = torch.from_numpy(name[np.stack([keys // nodes, keys % nodes])])
    return torch.cat([ends, ends.flip(0)], dim=1)


def _edges(quick: bool, data_dir: str | None, cache_dir: str | None) -> tuple[Tensor, int, str]:
    if quick:
        return power_law_edges(QUICK_NODES, QUICK_EDGES), QUICK_NODES, "small random power-law graph"
    try:
        data = load("arxiv-structural", data_dir, cache_dir)
    except DataError:
        return power_law_edges(NODES, EDGES), NODES, "random power-law graph of ogbn-arxiv's size"
    targets = np.repeat(np.arange(data.nodes), np.diff(data.indptr))
    edges = torch.from_numpy(np.stack([np.array(data.indices, dtype=np.int64), targets]))
    return edges, data.nodes, "real edges of ogbn-arxiv"

"""Cost of sparse aggregation, the inner loop of every backbone, over the history of the code."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from methods.adjacency import Adjacency
from methods.aggregate import aggregate, attend

NODES, DEGREE = 40_000, 15
HEADS, CHANNELS = 4, 16
THREADS = 2


def random_graph() -> Adjacency:
    """A directed graph of uniformly random edges; the worst case for caches, and always the same one."""
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(0, NODES * NODES, (NODES * DEGREE,), generator=generator).unique()
    return Adjacency.from_edges(edges % NODES, edges // NODES, NODES)


class Sum:
    """`aggregate` with the symmetric normalisation, by width."""

    params = (64, 256)
    param_names = ("width",)

    def setup(self, width: int) -> None:
        torch.set_num_threads(THREADS)
        self.adjacency = random_graph().normalized("symmetric", self_loops=True)
        self.adjacency.transposed()
        self.x = torch.randn(NODES, width, requires_grad=True)

    def time_forward(self, width: int) -> None:
        with torch.inference_mode():
            aggregate(self.adjacency, self.x)

    def time_forward_and_backward(self, width: int) -> None:
        aggregate(self.adjacency, self.x).sum().backward()

    def peakmem_forward_and_backward(self, width: int) -> None:
        aggregate(self.adjacency, self.x).sum().backward()

    def track_time_over_sparse_mm(self, width: int) -> float:
        sparse, x = self.adjacency.sparse_tensor(), self.x.detach()
        ours, torchs = [], []
        # interleaved, so that a machine that slows down slows both
        for _ in range(11):
            ours.append(_seconds(lambda: aggregate(self.adjacency, x)))
            torchs.append(_seconds(lambda: sparse @ x))
        return sorted(ours)[5] / sorted(torchs)[5]

    track_time_over_sparse_mm.unit = "ratio"  # type: ignore[attr-defined]


class Attention:
    """`attend`: scores, row softmax and weighted sum in one pass."""

    def setup(self) -> None:
        torch.set_num_threads(THREADS)
        self.adjacency = random_graph()
        self.adjacency.transposed_with_order()
        self.scores = torch.randn(2, NODES, HEADS, requires_grad=True)
        self.messages = torch.randn(NODES, HEADS, CHANNELS, requires_grad=True)
        self.time_forward_and_backward()  # numba compiles with the first call

    def time_forward_and_backward(self) -> None:
        attend(self.adjacency, self.scores[0], self.scores[1], self.messages).sum().backward()

    def peakmem_forward_and_backward(self) -> None:
        self.time_forward_and_backward()


class Preparation:
    """What a strategy pays for every new view: building a graph and normalising it."""

    def setup(self) -> None:
        torch.set_num_threads(THREADS)
        self.graph = random_graph()
        self.sources, self.targets = self.graph.indices.long(), self.graph.row_of_entry()

    def time_from_edges(self) -> None:
        Adjacency.from_edges(self.sources, self.targets, NODES)

    def time_normalized_and_transposed(self) -> None:
        graph = Adjacency(self.graph.indptr, self.graph.indices, NODES)
        graph.normalized("symmetric", self_loops=True).transposed()


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - started) * 1e-9

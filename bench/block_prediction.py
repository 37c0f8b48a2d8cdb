"""Exact predictions on a graph that stays on disk: layer by layer, and within a layer block by block.

A block's rows of the adjacency are complete and keep the whole graph's row sums, and what the layer before made of the
neighbours is read from a scratch file, so the outputs are those of the whole graph up to rounding. Source: Hamilton et
al. 2017, Alg. 1, which computes a layer of all nodes before the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from methods.adjacency import Adjacency, concatenated_ranges
from methods.backbones.backbone import Backbone, Stages
from methods.block_adjacency import BlockAdjacency
from methods.disk_array import DiskArray
from methods.errors import MethodError
from methods.stored_graph import StoredGraph
from methods.strategies.sampling.expansion import Drawn, Expansion

BLOCK_ENTRIES = 2**16
"""A block has about this many rows and neighbours together, more only where one node alone has more neighbours."""

_ROWS_AT_ONCE = 2**14

Read = Callable[[Tensor], Tensor]
"""What enters a layer at some nodes, [k, width] on the graph's device."""
Layer = Callable[[Tensor, BlockAdjacency], Tensor]


def stages_of(model: nn.Module) -> Stages:
    """The network cut into layers.

    Raises:
        MethodError: it cannot be cut.
    """
    stages = model.stages() if isinstance(model, Backbone) else None
    if stages is None:
        raise MethodError(
            f"{type(model).__name__} cannot predict a graph that stays on disk, because it is no chain of layers that "
            "each need the last one only; take gcn, sage, gat, gatv2, gin or mlp, or leave out graph=disk"
        )
    return stages


class BlockPredictor:
    """Predicts some nodes of a stored graph.

    No more is in memory than a block and its neighbours, and what is predicted of the nodes that were asked for.
    Between two layers all rows that the next one needs are in a scratch file.

    Args:
        parts: nodes to predict, [k] int64 each.
        folder: where scratch files may be made.
    """

    def __init__(self, graph: StoredGraph, parts: Mapping[str, DiskArray], folder: Path) -> None:
        self._graph, self._parts, self._folder = graph, parts, folder
        self._expansion = Expansion(graph)
        self._marks: dict[tuple[int, int], list[DiskArray]] = {}

    def predict(self, model: nn.Module, as_predictions: Callable[[Tensor], NDArray]) -> dict[str, NDArray]:
        """Predictions of each part, in its order; call it in evaluation mode and without gradients.

        Args:
            as_predictions: from outputs [k, out_features] on the CPU to [k] predictions.

        Raises:
            MethodError: the network cannot be cut into layers, or the disk is full.
        """
        stages = stages_of(model)
        # a layer looks at neighbours, or at none where the network sees no edges
        hops = 0 if getattr(model, "hops", None) == 0 else 1
        x, entered = self._graph.x, stages.first
        for layer, marks in zip(stages.layers, self._needed(len(stages.layers) - 1, hops), strict=False):
            x = self._stored(self._computed(layer, self._reader(x, entered), self._marked(marks), hops))
            entered = nn.Identity()
        read = self._reader(x, entered)
        predictions = {}
        for part, nodes in self._parts.items():
            computed = self._computed(stages.layers[-1], read, _all_of(nodes), hops)
            predictions[part] = np.concatenate([as_predictions(stages.last(x).cpu()) for _, x in computed])
        return predictions

    def _reader(self, x: DiskArray, entered: Callable[[Tensor], Tensor]) -> Read:
        return lambda nodes: entered(x[nodes].to(self._graph.device))

    def _needed(self, layers: int, hops: int) -> list[DiskArray]:
        """The nodes that each layer but the last must compute because a later one reads them, marks [nodes] bool."""
        if (layers, hops) in self._marks:
            return self._marks[layers, hops]
        needed: list[DiskArray] = []
        for _ in range(layers):
            readers = self._marked(needed[-1]) if needed else chain.from_iterable(map(_all_of, self._parts.values()))
            marks = DiskArray.scratch(self._folder, np.bool_, (self._graph.num_nodes,))
            for block in self._blocks(readers):
                marks[block] = 1
                if hops:
                    marks[self._graph.adjacency.sources(self._all_entries(block).entries)] = 1
            needed.append(marks)
        self._marks[layers, hops] = needed[::-1]
        return self._marks[layers, hops]

    def _marked(self, marks: DiskArray) -> Iterator[Tensor]:
        """The marked nodes, ascending, some at a time."""
        for rows in marks.places(_ROWS_AT_ONCE):
            yield rows[marks[rows]]

    def _blocks(self, nodes: Iterable[Tensor]) -> Iterator[Tensor]:
        """The same nodes in blocks of about `BLOCK_ENTRIES`."""
        for some in nodes:
            work = self._graph.adjacency.ranges(some)[1] + 1
            sizes = ((work.cumsum(0) - 1) // BLOCK_ENTRIES).unique_consecutive(return_counts=True)[1]
            yield from some.split(sizes.tolist())

    def _computed(
        self, layer: Layer, read: Read, nodes: Iterable[Tensor], hops: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Blocks of nodes, and what a layer makes of them, [k, width]."""
        for block in self._blocks(nodes):
            around, targets, adjacency = self._around(block, hops)
            x = layer(read(around), BlockAdjacency(adjacency.to(self._graph.device), targets))
            if len(x) != targets:
                raise MethodError(
                    f"a layer of the network made {len(x)} rows for a block of {targets} nodes; where it reads a "
                    "node's own row it must read adjacency.own(x), or leave out graph=disk"
                )
            yield block, x

    def _stored(self, computed: Iterable[tuple[Tensor, Tensor]]) -> DiskArray:
        """Blocks of rows in a scratch file, [nodes, width]; rows of other nodes are zeros."""
        outputs: DiskArray | None = None
        for block, x in computed:
            if outputs is None:
                shape = (self._graph.num_nodes, x.shape[1])
                outputs = DiskArray.scratch(self._folder, np.float32, shape)
            outputs[block] = x
        assert outputs is not None, "every part has nodes"
        return outputs

    def _around(self, block: Tensor, hops: int) -> tuple[Tensor, int, Adjacency]:
        return self._expansion.around(block, hops, self._all_entries)

    def _all_entries(self, rows: Tensor) -> Drawn:
        starts, sizes = self._graph.adjacency.ranges(rows)
        return Drawn(concatenated_ranges(starts, sizes), sizes, torch.ones(rows.numel()))


def _all_of(nodes: DiskArray) -> Iterator[Tensor]:
    for places in nodes.places(_ROWS_AT_ONCE):
        yield nodes[places]

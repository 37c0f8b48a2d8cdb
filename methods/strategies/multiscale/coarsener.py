"""Coarse views of a problem's graph, and a record of what was drawn."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from methods.errors import MethodError
from methods.graph import GraphView
from methods.strategies.multiscale.sparsify import sampled


@dataclass
class _Drawn:
    """Sums over the coarse views of one level."""

    draws: int = 0
    nodes: int = 0
    edges: int = 0


class Coarsener(ABC):
    """Makes the views of all levels.

    Args:
        ratio: nodes of a level divided by those of the next coarser one.
        max_neighbors: most entries of a coarse row, or None; see `sampled`.
    """

    def __init__(self, ratio: float, max_neighbors: int | None) -> None:
        self.ratio, self.max_neighbors = ratio, max_neighbors
        self.redraws = 0
        self._drawn: dict[int, _Drawn] = {}

    def prepare(self, graph: GraphView, levels: int, generator: torch.Generator) -> GraphView:
        """Get ready for views of this graph, or of unions of some of its graphs.

        Args:
            generator: all later draws come from it too.

        Returns:
            the finest graph, which may have other edges than the one given.

        Raises:
            MethodError: the coarsest level of one graph would have fewer than two nodes.
        """
        self.graph, self._generator = graph, generator
        if graph.graph_ptr is None:
            _check_levels(self._candidates(), levels, self.ratio)
        if levels > 1:
            self._prepare(levels)
        return self.graph

    def views(self, graphs: Tensor | None, levels: tuple[int, ...], number: int = 0) -> list[GraphView]:
        """Views of several levels from one draw, so that they are nested where the draw allows it.

        Args:
            graphs: [k] int64 which graphs of a set, or None for the one graph.
            levels: 0 is the finest, without any draw.
            number: how many coarsenings of the level were drawn before.

        Raises:
            MethodError: too many draws in a row had no training label.
        """
        finest = self.graph if graphs is None else self.graph.graphs(graphs)
        if not any(levels):
            return [finest for _ in levels]
        views = self._coarse(finest, graphs, levels, number)
        return [self._finished(view, level) for view, level in zip(views, levels, strict=True)]

    def facts(self) -> dict[str, Any]:
        """Mean sizes of the coarse views of each level, and how many draws had to be repeated."""
        levels = [
            {
                "level": level,
                "draws": drawn.draws,
                "nodes": drawn.nodes / drawn.draws,
                "edges": drawn.edges / drawn.draws,
            }
            for level, drawn in sorted(self._drawn.items())
        ]
        return {"levels": levels, "redraws": self.redraws}

    def _candidates(self) -> int:
        """How many nodes may be drawn."""
        return self.graph.num_nodes

    @abstractmethod
    def _prepare(self, levels: int) -> None:
        """Work done once for this many levels, at least 2."""

    @abstractmethod
    def _coarse(
        self, finest: GraphView, graphs: Tensor | None, levels: tuple[int, ...], number: int
    ) -> list[GraphView]:
        """The views with all their edges; `finest` is what they are made of."""

    def _finished(self, view: GraphView, level: int) -> GraphView:
        if level == 0:
            return view
        if self.max_neighbors is not None:
            view = replace(view, adjacency=sampled(view.adjacency, self.max_neighbors, self._generator))
        drawn = self._drawn.setdefault(level, _Drawn())
        drawn.draws, drawn.nodes = drawn.draws + 1, drawn.nodes + view.num_nodes
        drawn.edges += view.num_edges
        return view


def _check_levels(nodes: int, levels: int, ratio: float) -> None:
    if levels > 1 and nodes / ratio ** (levels - 1) < 2:
        most = 1 + math.floor(math.log(max(nodes, 2) / 2, ratio))
        raise MethodError(
            f"levels={levels} with ratio={ratio:g} leaves fewer than 2 of {nodes} nodes at the coarsest level; "
            f"use levels={most} or fewer, or a smaller ratio"
        )

"""Numbers of the nodes of a view in the order in which they are met: by a table of all nodes, or by sorting."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

_UNKNOWN = 2**62


class Numbering(Protocol):
    """Numbers nodes 0, 1, ... in the order in which they are first met."""

    def meet(self, nodes: Tensor, known: int) -> Tensor:
        """Number what is met for the first time, from `known` on; these nodes, in the order in which they come."""

    def of(self, nodes: Tensor) -> Tensor:
        """Numbers of nodes that were met, [k] int64."""

    def forget(self, nodes: Tensor) -> None:
        """Begin again; `nodes` are all that were met."""


class TableNumbering:
    """A table of all nodes, which is kept between views; only what was written is cleaned, so no step costs as much as
    the graph has nodes."""

    def __init__(self, nodes: int, device: torch.device) -> None:
        self._number = torch.full((nodes,), _UNKNOWN, device=device)

    def meet(self, nodes: Tensor, known: int) -> Tensor:
        places = torch.arange(known, known + nodes.numel(), device=nodes.device)
        # the smallest place wins, and known nodes have smaller ones: the same on every device, and no sort
        self._number.scatter_reduce_(0, nodes, places, "amin")
        fresh = nodes[self._number.index_select(0, nodes) == places]
        self._number[fresh] = torch.arange(known, known + fresh.numel(), device=nodes.device)
        return fresh

    def of(self, nodes: Tensor) -> Tensor:
        return self._number.index_select(0, nodes)

    def forget(self, nodes: Tensor) -> None:
        self._number[nodes] = _UNKNOWN


class SortedNumbering:
    """The nodes that were met, sorted: slower, and no larger than the view, however large the graph is."""

    def __init__(self) -> None:
        self._nodes = self._numbers = torch.empty(0, dtype=torch.int64)

    def meet(self, nodes: Tensor, known: int) -> Tensor:
        distinct, place = nodes.unique(return_inverse=True)
        first = torch.full_like(distinct, _UNKNOWN)
        first.scatter_reduce_(0, place, torch.arange(nodes.numel()), "amin")
        fresh = nodes[first[~torch.isin(distinct, self._nodes)].sort().values]
        self._nodes, order = torch.cat([self._nodes, fresh]).sort()
        self._numbers = torch.cat([self._numbers, torch.arange(known, known + fresh.numel())])[order]
        return fresh

    def of(self, nodes: Tensor) -> Tensor:
        return self._numbers[torch.searchsorted(self._nodes, nodes)]

    def forget(self, nodes: Tensor) -> None:
        self._nodes = self._numbers = nodes[:0]

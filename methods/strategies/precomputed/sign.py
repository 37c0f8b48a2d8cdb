"""Scalable inception graph networks (Rossi et al. 2020)."""

from __future__ import annotations

from torch import Tensor

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.plugin import register
from methods.strategies.precomputed.propagation import Propagation


@register("strategy", "sign")
class SIGN(Propagation):
    """The network on features of all distances side by side, [x, S x, ..., S^hops x] (Rossi et al. 2020)."""

    def features(self, operator: Adjacency, x: Tensor) -> Tensor:
        nodes, width = x.shape
        beside = x.new_empty(nodes, (self.hops + 1) * width)
        beside[:, :width] = x
        for hop in range(1, self.hops + 1):
            x = aggregate(operator, x)
            beside[:, hop * width : (hop + 1) * width] = x
        return beside

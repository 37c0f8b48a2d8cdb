"""Simplified graph convolution (Wu et al. 2019)."""

from __future__ import annotations

from torch import Tensor

from methods.adjacency import Adjacency
from methods.aggregate import aggregate
from methods.plugin import register
from methods.strategies.precomputed.propagation import Propagation


@register("strategy", "sgc")
class SGC(Propagation):
    """The network on features that were averaged over neighbours before training, S^hops x (Wu et al. 2019)."""

    def features(self, operator: Adjacency, x: Tensor) -> Tensor:
        for _ in range(self.hops):
            x = aggregate(operator, x)
        return x

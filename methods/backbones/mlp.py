"""The feature-only baseline."""

from __future__ import annotations

from torch import Tensor, nn

from methods.adjacency import Adjacency
from methods.backbones.network import Convolution, Network
from methods.invariance import Layer
from methods.plugin import register


@register("backbone", "mlp")
class MLP(Network):
    """Linear layers that see no edges: what the features alone can do."""

    def __init__(self, in_features: int, out_features: int, **shared) -> None:
        super().__init__(in_features, out_features, **shared)
        self.hops = 0

    def convolution(self, in_features: int, out_features: int, last: bool) -> Convolution:
        return PerNode(nn.Linear(in_features, out_features))

    def mixer(self, width: int) -> tuple[Convolution, int]:
        return PerNode(nn.Identity()), width


class PerNode(Convolution):
    """A map of each node's own features."""

    def __init__(self, map: nn.Module) -> None:
        super().__init__()
        self.map = map

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        return self.map(adjacency.own(x))

    def layers(self) -> list[Layer]:
        return [Layer((self.map.weight,), biases=(self.map.bias,))] if isinstance(self.map, nn.Linear) else []

"""The form of a quantized network that is really executed on codes."""

from __future__ import annotations

from torch import Tensor, nn

from methods.backbones.backbone import Backbone, mean_over_graphs
from methods.graph import GraphView
from methods.quantizers.quantized_model import QuantizedModel


class PackedModel(nn.Module):
    """A packed network as a model: from a view to outputs, without gradients.

    Args:
        network: called with features [nodes, features] and an adjacency; has `bytes`, what its weights take.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    @property
    def bytes(self) -> int:
        """Bytes of weights and biases as they are stored."""
        return int(self.network.bytes)  # type: ignore[arg-type]

    def forward(self, view: GraphView) -> Tensor:
        outputs = self.network(view.x, view.adjacency)
        return outputs if view.level == "node" else mean_over_graphs(outputs, view)


def packed_model(model: QuantizedModel) -> PackedModel | None:
    """The packed form of a quantized network at its present weights and grids; None where there is no such form."""
    if not isinstance(model.network, Backbone):
        return None
    network = model.network.packed(model.grids())
    return None if network is None else PackedModel(network)

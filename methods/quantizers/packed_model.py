"""The form of a quantized network that is really executed on codes."""

from __future__ import annotations

from torch import Tensor, nn

from methods.backbones.backbone import Backbone, mean_of_graphs
from methods.graph import GraphView
from methods.lowbit.linear import what_computes
from methods.lowbit.packed_propagation import StepGrids
from methods.quantizers.packed_calls import PackedCalls, sum_on_codes
from methods.quantizers.quantized_model import QuantizedModel


class PackedModel(nn.Module):
    """A packed network as a model: from a view to outputs, without gradients.

    Args:
        network: called with features [nodes, features] and an adjacency; has `products`, its linear maps, and `bytes`,
            what its weights take.
        readout: grids of the mean over each graph of a set.
    """

    def __init__(self, network: nn.Module, readout: StepGrids | None = None) -> None:
        super().__init__()
        self.network, self.readout = network, readout

    @property
    def computed(self) -> str:
        """What multiplies and adds up the codes."""
        return what_computes(self.network.products)  # type: ignore[arg-type]

    @property
    def bytes(self) -> int:
        """Bytes of weights and biases as they are stored."""
        return int(self.network.bytes)  # type: ignore[arg-type]

    def forward(self, view: GraphView) -> Tensor:
        outputs = self.network(view.x, view.adjacency)
        if self.readout is None:
            return outputs
        assert self.readout.result is not None
        return sum_on_codes(view, mean_of_graphs(view), outputs, self.readout.operand, self.readout.result)


def packed_model(model: QuantizedModel) -> PackedModel | PackedCalls | None:
    """The packed form of a quantized network at its present weights and grids.

    The backbone's own form, where it has one, goes from one call to the next without a float matrix. Otherwise every
    call packs its operand. None where some call has no such form: attention, sums over rounded messages, sums with
    weights, and calls of which some tensor is not on a grid.
    """
    grids = model.grids()
    if not model.sums_are_of_codes or not model.names_of_calls <= set(grids):
        return None
    if isinstance(model.network, Backbone) and (network := model.network.packed(grids)) is not None:
        if model.level == "node":
            return PackedModel(network)
        last = f"aggregate{model.calls['aggregate'] - 1}"
        return PackedModel(network, StepGrids(grids[f"{last}.operand"], grids[f"{last}.result"]))
    return PackedCalls(model.network, model.products, grids)

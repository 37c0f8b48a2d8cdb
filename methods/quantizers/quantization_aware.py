"""Quantization-aware training: what all quantizers that imitate few bits in FP32 share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

from torch import Tensor, nn

from methods.graph import GraphView
from methods.problem import Problem
from methods.quantizer import Quantizer
from methods.quantizers.packed_model import packed_model
from methods.quantizers.quantized_model import QuantizedModel, Role
from methods.quantizers.site import Site
from methods.strategies.multiscale.batch_norm import sample_of

Bits = Literal[2, 4, 8, 32]
OwnBits = Literal["same", 2, 4, 8, 32]

CALIBRATION_GRAPHS = 256
"""Of a set of graphs, so many give the first ranges."""


class QuantizationAware(Quantizer):
    """Base of quantizers that put the tensors of a network on grids of 2^bits values, computed in FP32.

    Args:
        bits: of all sites; 32 leaves a tensor as it is.
        weight_bits, activation_bits: of weights, and of everything else, where they differ.
        end_bits: of all sites of the first and the last product, where they differ.
        aggregation: whether sums over neighbours take rounded nodes (`node`, which kernels on codes can do) or rounded
            messages (`edge`, as the authors of QLR did); see `QuantizedModel`.
        post_training: train in FP32, and quantize only the model that predicts, with ranges from the whole graph.
    """

    range_learning_rate: float | None = None
    """Learning rate of learned ranges; None means the protocol's."""
    range_weight_decay: float | None = 0.0
    """Weight decay of learned ranges; None means the protocol's."""

    def __init__(
        self,
        *,
        bits: Bits = 8,
        weight_bits: OwnBits = "same",
        activation_bits: OwnBits = "same",
        end_bits: OwnBits = "same",
        aggregation: Literal["node", "edge"] = "node",
        post_training: bool = False,
    ) -> None:
        self.bits, self.weight_bits, self.activation_bits, self.end_bits = bits, weight_bits, activation_bits, end_bits
        self.aggregation, self.post_training = aggregation, post_training
        self._quantized: QuantizedModel | None = None

    @abstractmethod
    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        """The site of a tensor, made from its first values; bits is 2, 4 or 8."""

    def exempt_nodes(self, view: GraphView) -> Tensor | None:
        """Nodes that keep full precision in this pass of training, [nodes] bool, or None."""
        return None

    def bits_of(self, role: Role, end: bool) -> int:
        """The bits of a site.

        Args:
            end: whether it belongs to the first or the last product.
        """
        if end and self.end_bits != "same":
            return self.end_bits
        own = self.weight_bits if role == "weight" else self.activation_bits
        return self.bits if own == "same" else own

    def wrap(self, model: nn.Module, problem: Problem, in_training: bool) -> QuantizedModel:
        """The quantized form of a model; quantizers whose sites share something do so here."""
        return QuantizedModel(model, self, sample_of(problem, CALIBRATION_GRAPHS), in_training)

    def apply(self, model: nn.Module, problem: Problem) -> nn.Module:
        if self.post_training:
            return model
        self._quantized = self.wrap(model, problem, in_training=True)
        return self._quantized

    def pack(self, model: nn.Module, problem: Problem) -> nn.Module:
        """The network executed on codes where the backbone has such a form, else the one that imitates it."""
        if self.post_training:
            self._quantized = self.wrap(model, problem, in_training=False)
        assert self._quantized is not None
        packed = packed_model(self._quantized)
        self.simulated = packed is None
        return self._quantized if packed is None else packed

    def facts(self) -> dict[str, Any]:
        """The bits of every kind of call and tensor, and whether they are executed on codes or imitated in FP32."""
        bits = {} if self._quantized is None else self._quantized.bits()
        by_kind: dict[str, set[int]] = {}
        for name, width in bits.items():
            call, _, role = name.partition(".")
            by_kind.setdefault(f"{call.rstrip('0123456789')}.{role}", set()).add(width)
        return {
            "simulated": self.simulated,
            # products take 8-bit integers whatever the codes are stored in, sums take the codes themselves
            "computed": "FP32" if self.simulated else "products in INT8, sums on codes, both added up in INT32",
            "sites": len(bits),
            "bits": {kind: sorted(widths) for kind, widths in by_kind.items()},
        }

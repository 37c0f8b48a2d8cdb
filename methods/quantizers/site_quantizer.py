"""What all quantizers share that imitate few bits in FP32 while training: their sites, and what predicts."""

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

CALIBRATION_GRAPHS = 256
"""Of a set of graphs, so many give the first ranges."""


class SiteQuantizer(Quantizer):
    """Base of quantizers that replace the tensors of a network by values of few bits, in FP32 while training."""

    aggregation: Literal["node", "edge"] = "node"
    """Whether sums over neighbours take rounded nodes or rounded messages; see `QuantizedModel`."""
    ends_differ = False
    """Whether the first and the last product have bits of their own, so that calls must be counted first."""
    range_learning_rate: float | None = None
    """Learning rate of learned ranges; None means the protocol's."""
    range_weight_decay: float | None = 0.0
    """Weight decay of learned ranges; None means the protocol's."""
    _quantized: QuantizedModel | None = None
    _computed = "FP32"

    @abstractmethod
    def make_site(self, x: Tensor, bits: int, role: Role) -> Site:
        """The site of a tensor, made from its first values.

        Args:
            bits: what `bits_of` says, fewer than 32.
        """

    @abstractmethod
    def bits_of(self, call: str, role: Role, end: bool) -> int:
        """The bits of a site; 32 leaves the tensor as it is.

        Args:
            call: with its number, for example `linear0`.
            end: whether it belongs to the first or the last product.
        """

    def begins(self, view: GraphView) -> None:
        """Called before each pass over a view, in training and in evaluation."""

    def exempt_nodes(self, view: GraphView) -> Tensor | None:
        """Nodes that keep full precision in this pass of training, [nodes] bool, or None."""
        return None

    def range_groups(self, sites: nn.ModuleDict) -> list[dict[str, Any]]:
        """Groups of the sites' parameters for the optimizer; None means the protocol's value."""
        rate, weight_decay = self.range_learning_rate, self.range_weight_decay
        return [{"params": list(sites.parameters()), "lr": rate, "weight_decay": weight_decay}]

    def wrap(self, model: nn.Module, problem: Problem, in_training: bool) -> QuantizedModel:
        """The quantized form of a model; quantizers whose sites share something do so here."""
        return QuantizedModel(model, self, sample_of(problem, CALIBRATION_GRAPHS), in_training)

    def apply(self, model: nn.Module, problem: Problem) -> nn.Module:
        self._quantized = self.wrap(model, problem, in_training=True)
        return self._quantized

    def pack(self, model: nn.Module, problem: Problem) -> nn.Module:
        """The network executed on codes where there is such a form, else the one that imitates it."""
        assert self._quantized is not None
        packed = packed_model(self._quantized)
        self.simulated, self._computed = (True, "FP32") if packed is None else (False, packed.computed)
        return self._quantized if packed is None else packed

    def facts(self) -> dict[str, Any]:
        """The bits of every kind of call and tensor, and whether they are executed on codes or imitated in FP32."""
        bits = {} if self._quantized is None else self._quantized.bits()
        by_kind: dict[str, set[float]] = {}
        for name, width in bits.items():
            call, _, role = name.partition(".")
            by_kind.setdefault(f"{call.rstrip('0123456789')}.{role}", set()).add(width)
        return {
            "simulated": self.simulated,
            # products take 8-bit integers whatever the codes are stored in, sums take the codes themselves
            "computed": self._computed,
            "sites": len(bits),
            "bits": {kind: sorted(widths) for kind, widths in by_kind.items()},
        }

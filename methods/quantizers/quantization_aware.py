"""Quantization-aware training with widths that are chosen beforehand."""

from __future__ import annotations

from typing import Literal

from torch import nn

from methods.problem import Problem
from methods.quantizers.quantized_model import Role
from methods.quantizers.site_quantizer import SiteQuantizer

Bits = Literal[2, 4, 8, 32]
OwnBits = Literal["same", 2, 4, 8, 32]


class QuantizationAware(SiteQuantizer):
    """Base of quantizers whose widths are chosen beforehand: grids of 2^bits values.

    Args:
        bits: of all sites; 32 leaves a tensor as it is.
        weight_bits, activation_bits: of weights, and of everything else, where they differ.
        sum_bits: of what sums over neighbours read and give, where it differs from other activations.
        end_bits: of all sites of the first and the last product, where they differ.
        aggregation: whether sums over neighbours take rounded nodes (`node`, which kernels on codes can do) or rounded
            messages (`edge`, as the authors of QLR did); see `QuantizedModel`.
        post_training: train in FP32, and quantize only the model that predicts, with ranges from the whole graph.
    """

    def __init__(
        self,
        *,
        bits: Bits = 8,
        weight_bits: OwnBits = "same",
        activation_bits: OwnBits = "same",
        sum_bits: OwnBits = "same",
        end_bits: OwnBits = "same",
        aggregation: Literal["node", "edge"] = "node",
        post_training: bool = False,
    ) -> None:
        self.bits, self.weight_bits, self.activation_bits = bits, weight_bits, activation_bits
        self.sum_bits, self.end_bits = sum_bits, end_bits
        self.aggregation, self.post_training = aggregation, post_training

    @property
    def ends_differ(self) -> bool:  # type: ignore[override]
        return self.end_bits != "same"

    def bits_of(self, call: str, role: Role, end: bool) -> int:
        is_product = call.startswith("linear")
        own = self.weight_bits if role == "weight" else self.activation_bits
        narrower = self.end_bits if end else "same" if is_product else self.sum_bits
        return next(bits for bits in (narrower, own, self.bits) if bits != "same")

    def apply(self, model: nn.Module, problem: Problem) -> nn.Module:
        return model if self.post_training else super().apply(model, problem)

    def pack(self, model: nn.Module, problem: Problem) -> nn.Module:
        if self.post_training:
            self._quantized = self.wrap(model, problem, in_training=False)
        return super().pack(model, problem)

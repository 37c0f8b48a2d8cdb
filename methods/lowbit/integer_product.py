"""Products of unsigned codes with signed 8-bit weights, summed in int32."""

from __future__ import annotations

import warnings
from functools import cache

import torch
from torch import Tensor

_EXACT = 2**24  # whole numbers up to here are exact in float32
_INT16 = 2**15 - 1


class IntegerProduct:
    """x W^T for codes x [rows, in] uint8 and fixed W [out, in] int8, then scaled and shifted per output.

    On an x86 CPU this is oneDNN's `qlinear_pointwise` (uint8 x int8 with int32 sums: AMX or VNNI instructions) with
    weights that are packed here. A CPU without those instructions adds two neighbouring products in int16, which
    saturates without a word for wide codes; it gets the operator where two products always fit. Elsewhere the codes
    are multiplied as floats, which is exact as well but no faster than a float layer; float64 is taken where a sum
    could exceed what float32 holds exactly.

    Attributes:
        in_integers: whether the operator multiplies, not floats.

    Args:
        weights: [out, in] int8.
        scale: of all outputs.
        shift: [out] float32, added after scaling.
        largest: the largest code that x will hold, at most 255.
    """

    def __init__(self, weights: Tensor, scale: float, shift: Tensor, largest: int) -> None:
        self.scale, self.shift = scale, shift
        magnitudes = weights.to(torch.int16).abs()
        pair = 2 * largest * int(magnitudes.max()) if weights.numel() else 0
        self.in_integers = weights.device.type == "cpu" and pair <= largest_pair()
        if self.in_integers:
            self._weights = torch.ops.onednn.qlinear_prepack(weights, None)
            self._scale = torch.tensor([scale], dtype=torch.float32)
            self._zero = torch.zeros(1, dtype=torch.int64)
        else:
            total = largest * int(magnitudes.sum(1, dtype=torch.int64).max()) if weights.numel() else 0
            self._weights = weights.to(torch.float32 if total <= _EXACT else torch.float64)

    def values(self, codes: Tensor) -> Tensor:
        """scale * x W^T + shift, [rows, out] float32."""
        if self.in_integers:
            return self._call(codes, self.shift, 1.0, torch.float32)
        product = codes.to(self._weights.dtype) @ self._weights.T
        return product.to(torch.float32).mul_(self.scale).add_(self.shift)

    def codes(self, codes: Tensor, step: float, offset: float) -> Tensor:
        """round(values / step + offset) in 0 to 255, [rows, out] uint8."""
        if self.in_integers:
            return self._call(codes, self.shift + offset * step, step, torch.uint8)
        return (self.values(codes) / step + offset).round_().clamp_(0, 255).to(torch.uint8)

    def _call(self, codes: Tensor, shift: Tensor, step: float, dtype: torch.dtype) -> Tensor:
        return torch.ops.onednn.qlinear_pointwise(
            codes, 1.0, 0, self._weights, self._scale, self._zero, shift, step, 0, dtype, "none", [], ""
        )


@cache
def largest_pair() -> int:
    """The largest sum of two neighbouring products that this torch adds up exactly on this CPU.

    -1 where it does not multiply uint8 by int8 at all, which is said once; what int16 holds on a CPU that adds two
    products in 16 bits.
    """
    try:
        if _sum_of_products(1) == 4 * 255:
            return 2 * 255 * 128 if _sum_of_products(127) == 4 * 255 * 127 else _INT16
    except (AttributeError, NotImplementedError, RuntimeError):
        pass
    warnings.warn("this torch has no integer linear operator, so codes are multiplied as floats", stacklevel=2)
    return -1


def _sum_of_products(weight: int) -> float:
    """4 times 255 times a weight, as the operator adds it up."""
    weights = torch.ops.onednn.qlinear_prepack(torch.full((1, 4), weight, dtype=torch.int8), None)
    one, zero = torch.ones(1), torch.zeros(1, dtype=torch.int64)
    found = torch.ops.onednn.qlinear_pointwise(
        torch.full((1, 4), 255, dtype=torch.uint8),
        1.0, 0, weights, one, zero, torch.zeros(1), 1.0, 0, torch.float32, "none", [], "",
    )  # fmt: skip
    return float(found)

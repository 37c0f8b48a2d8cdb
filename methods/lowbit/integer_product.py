"""Products of unsigned codes with signed 8-bit weights, summed in int32."""

from __future__ import annotations

import warnings
from functools import cache

import torch
from torch import Tensor

_EXACT = 2**24  # whole numbers up to here are exact in float32


class IntegerProduct:
    """x W^T for codes x [rows, in] uint8 and fixed W [out, in] int8, then scaled and shifted per output.

    On an x86 CPU this is oneDNN's `qlinear_pointwise` (uint8 x int8 with int32 sums: AMX or VNNI instructions) with
    weights that are packed once. Elsewhere the codes are multiplied as floats, which is exact as well but no faster
    than a float layer; float64 is taken where a sum could exceed what float32 holds exactly.

    Args:
        weights: [out, in] int8.
        scale: of all outputs.
        shift: [out] float32, added after scaling.
    """

    def __init__(self, weights: Tensor, scale: float, shift: Tensor) -> None:
        self.scale, self.shift = scale, shift
        self._in_integers = weights.device.type == "cpu" and has_integer_operator()
        if self._in_integers:
            self._weights = torch.ops.onednn.qlinear_prepack(weights, None)
            self._scale = torch.tensor([scale], dtype=torch.float32)
            self._zero = torch.zeros(1, dtype=torch.int64)
        else:
            largest = 255 * int(weights.abs().sum(1, dtype=torch.int64).max()) if weights.numel() else 0
            self._weights = weights.to(torch.float32 if largest <= _EXACT else torch.float64)

    @property
    def operator(self) -> str:
        """What does the multiplication, for reports."""
        return "oneDNN qlinear (uint8 x int8)" if self._in_integers else f"{self._weights.dtype} on whole numbers"

    @property
    def bytes(self) -> int:
        """Bytes of the weights in the form that is multiplied with."""
        return self._weights.numel() * self._weights.element_size()

    def values(self, codes: Tensor) -> Tensor:
        """scale * x W^T + shift, [rows, out] float32."""
        if self._in_integers:
            return self._call(codes, self.shift, 1.0, torch.float32)
        product = codes.to(self._weights.dtype) @ self._weights.T
        return product.to(torch.float32).mul_(self.scale).add_(self.shift)

    def codes(self, codes: Tensor, step: float, offset: float) -> Tensor:
        """round(values / step + offset) in 0 to 255, [rows, out] uint8."""
        if self._in_integers:
            return self._call(codes, self.shift + offset * step, step, torch.uint8)
        return (self.values(codes) / step + offset).round_().clamp_(0, 255).to(torch.uint8)

    def _call(self, codes: Tensor, shift: Tensor, step: float, dtype: torch.dtype) -> Tensor:
        return torch.ops.onednn.qlinear_pointwise(
            codes, 1.0, 0, self._weights, self._scale, self._zero, shift, step, 0, dtype, "none", [], ""
        )


@cache
def has_integer_operator() -> bool:
    """Whether this torch multiplies uint8 by int8 on the CPU; says once if not."""
    try:
        weights = torch.ops.onednn.qlinear_prepack(torch.ones(1, 4, dtype=torch.int8), None)
        one, zero = torch.ones(1), torch.zeros(1, dtype=torch.int64)
        found = torch.ops.onednn.qlinear_pointwise(
            torch.full((1, 4), 255, dtype=torch.uint8),
            1.0, 0, weights, one, zero, torch.zeros(1), 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        if float(found) == 4 * 255:
            return True
    except (AttributeError, NotImplementedError, RuntimeError):
        pass
    warnings.warn("this torch has no integer linear operator, so codes are multiplied as floats", stacklevel=2)
    return False

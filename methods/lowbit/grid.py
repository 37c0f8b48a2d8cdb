"""The grid of values that a tensor of few bits can hold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from methods.errors import MethodError

BITS = (2, 4, 8)
_SMALLEST_STEP = torch.finfo(torch.float32).eps


@dataclass(frozen=True)
class Grid:
    """The values step * (code - zero_point) for codes 0 to 2^bits - 1, one step and one zero point a tensor.

    Source: uniform affine quantization as in Wang et al. 2023 (QLR); BT* is a grid whose zero point is a fraction
    (z8 / 85 at 2 bits, with the step 85 * step8) and whose `shift` is its skew (kappa / 85).

    Attributes:
        step: distance of two neighbouring values, positive.
        zero_point: code of the value 0, in [0, 2^bits - 1]; a whole number wherever 0 must be exact.
        bits: 2, 4 or 8.
        shift: added before rounding, in codes; values inside the range round up sooner where it is positive.

    Raises:
        MethodError: bits that no kernel has, a step or a zero point outside its range.
    """

    step: float
    zero_point: float
    bits: int
    shift: float = 0.0

    def __post_init__(self) -> None:
        if self.bits not in BITS:
            raise MethodError(f"codes have 2, 4 or 8 bits, not {self.bits}")
        if not (math.isfinite(self.step) and self.step > 0):
            raise MethodError(f"a grid's step must be positive and finite but is {self.step}")
        if not 0 <= self.zero_point <= self.levels:
            raise MethodError(f"the zero point of {self.bits} bits lies in 0 to {self.levels} but is {self.zero_point}")
        if not math.isfinite(self.shift):
            raise MethodError(f"a grid's shift must be finite but is {self.shift}")

    @classmethod
    def of_range(cls, lo: float, hi: float, bits: int) -> Grid:
        """The grid over [min(0, lo), max(0, hi)], so that 0 is always one of its values.

        Source: Wang et al. 2023, QLR's forward. An empty range gives step 1 and zero point 0.

        Raises:
            MethodError: the range is not finite or its ends are in the wrong order; bits that no kernel has.
        """
        if not (math.isfinite(lo) and math.isfinite(hi) and lo <= hi):
            raise MethodError(f"a range needs two finite ends in order but got {lo} to {hi}; look for NaN in the data")
        if bits not in BITS:
            raise MethodError(f"codes have 2, 4 or 8 bits, not {bits}")
        levels = 2**bits - 1
        lo, hi = min(0.0, lo), max(0.0, hi)
        if lo == hi:
            return cls(1.0, 0, bits)
        step = max((hi - lo) / levels, _SMALLEST_STEP)
        return cls(step, min(max(round(-lo / step), 0), levels), bits)

    @property
    def levels(self) -> int:
        """The largest code, 2^bits - 1."""
        return 2**self.bits - 1

    @property
    def offset(self) -> float:
        """What is added to value / step before rounding."""
        return self.zero_point + self.shift

    @property
    def code_range(self) -> tuple[int, int]:
        """The smallest and the largest code that `quantize` gives; a large shift leaves some codes without use."""
        ends = (round(end + self.shift) for end in (0, self.levels))
        low, high = (min(max(end, 0), self.levels) for end in ends)
        return low, high

    def quantize(self, x: Tensor) -> Tensor:
        """Codes of the nearest values, uint8 of x's shape; a value halfway takes the even code.

        Raises:
            MethodError: x contains NaN.
        """
        if bool(x.isnan().any()):
            raise MethodError("a tensor to quantize contains NaN; the model that made it diverged")
        return (x / self.step + self.offset).round_().clamp_(*self.code_range).to(torch.uint8)

    def dequantize(self, codes: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """step * (code - zero_point), of codes' shape."""
        return (codes.to(dtype) - self.zero_point) * self.step

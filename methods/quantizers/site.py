"""Sites: the places of a network where a tensor is replaced by values of few bits, in FP32."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from methods.lowbit.grid import Grid
from methods.smoothness import inner_product

SMALLEST_STEP = torch.finfo(torch.float32).eps
"""A step is at least this large, so that a range that is almost a point does not divide by zero."""


class Affine(NamedTuple):
    """The values step * (code - zero) of a tensor, as tensors, so that a GPU need not wait for them.

    The code of x is round(clamp(x / step + zero)), halves to even, clamped to 0 to `levels`.

    Attributes:
        step, zero: scalars.
        levels: the largest code, 2^bits - 1.
        shift: scalar that is added before codes are rounded and clamped once more, or None.
    """

    step: Tensor
    zero: Tensor
    levels: int
    shift: Tensor | None = None

    @classmethod
    def of_range(cls, minimum: Tensor, maximum: Tensor, levels: int) -> Affine:
        """The grid over [min(0, minimum), max(0, maximum)] with 0 among its values.

        An empty range gives step 1 and zero 0. Source: Wang et al. 2023, QLR's forward.
        """
        low, high = minimum.clamp(max=0), maximum.clamp(min=0)
        span = high - low
        step = torch.where(span > 0, (span / levels).clamp(min=SMALLEST_STEP), 1)
        return cls(step, (-low / step).round_().clamp_(0, levels), levels)

    def nearest(self, x: Tensor) -> Tensor:
        """The grid's value for each entry of x, a fresh tensor."""
        return self._values((x / self.step).add_(self.zero).clamp_(0, self.levels))

    def nearest_and_inside(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and 1 where an entry lies between the ends of the grid, else 0.

        The second is of x's type: products with bool tensors and `where` are several times as slow on the CPU.
        """
        places = (x / self.step).add_(self.zero)
        clamped = places.clamp(0, self.levels)
        inside = places.eq_(clamped)
        return self._values(clamped), inside

    def ends(self) -> tuple[Tensor, Tensor]:
        """The values of code 0 and of the largest code."""
        return (0 - self.zero) * self.step, (self.levels - self.zero) * self.step

    def _values(self, places: Tensor) -> Tensor:
        if self.shift is not None:
            places.add_(self.shift).clamp_(0, self.levels)
        return places.round_().sub_(self.zero).mul_(self.step)


class Slopes(NamedTuple):
    """How the values of a site move.

    Attributes:
        passes: 1 or true where an entry passes its gradient on; None for all.
        change: d values / d scale times `divisor`; None where no scale is learned.
        divisor: scalar.
    """

    passes: Tensor | None = None
    change: Tensor | None = None
    divisor: Tensor | None = None


class Site(nn.Module, ABC):
    """A tensor that is replaced by values of few bits.

    A site is made from the first tensor it sees, so it can always be evaluated.
    """

    @abstractmethod
    def forward(self, x: Tensor, exempt: Tensor | None = None) -> Tensor:
        """Values of few bits.

        Args:
            x: [rows, ...]; an empty tensor is returned as it is.
            exempt: [rows] bool, rows that keep full precision in this pass, or None.

        Returns:
            A tensor like x that nothing of backward refers to, so that what follows may work in its place.
        """

    @abstractmethod
    def stored_bits(self) -> float:
        """Bits of an entry in evaluation; their mean where rows differ."""

    def grid(self) -> Grid | None:
        """The grid that evaluation uses, for kernels that compute on codes; None where no kernel has such a form."""
        return None


class GridSite(Site):
    """A site with one grid for the whole tensor."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits, self.levels = bits, 2**bits - 1

    def forward(self, x: Tensor, exempt: Tensor | None = None) -> Tensor:
        """The grid's nearest values; see `Site`."""
        if x.numel() == 0:
            return x
        if self.training:
            self.observe(x.detach(), exempt)
        grid = self.affine()
        values = _OnGrid.apply(x, self.scale(), grid, self) if torch.is_grad_enabled() else grid.nearest(x)
        if exempt is None:
            return values
        return torch.where(exempt.view(-1, *[1] * (x.dim() - 1)), x, values)

    @abstractmethod
    def affine(self) -> Affine:
        """The grid of this pass."""

    def observe(self, x: Tensor, exempt: Tensor | None) -> None:
        """Called with every tensor in training, before it is rounded."""

    def scale(self) -> Tensor | None:
        """The learned scalar that the step is proportional to, or None."""
        return None

    def rounded(self, x: Tensor, grid: Affine) -> tuple[Tensor, Slopes]:
        """The values of a pass, and how they move with x and with the scale; by default all gradients go through."""
        return grid.nearest(x), Slopes()

    def stored_bits(self) -> float:
        return self.bits

    def grid(self) -> Grid:
        grid = self.affine()
        shift = 0.0 if grid.shift is None else float(grid.shift)
        return Grid(float(grid.step), float(grid.zero), self.bits, shift)


class RangeSite(GridSite):
    """A site whose grid spans the smallest to the largest entry of the tensor.

    In evaluation these are the ends of the last pass in training.
    """

    minimum: Tensor
    maximum: Tensor

    def __init__(self, x: Tensor, bits: int) -> None:
        super().__init__(bits)
        minimum, maximum = self.measure(x.detach())
        self.register_buffer("minimum", minimum)
        self.register_buffer("maximum", maximum)

    def measure(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The ends of a tensor's range, scalars."""
        if x.numel() == 0:
            return x.new_zeros(()), x.new_zeros(())
        return torch.aminmax(x)  # type: ignore[return-value]

    def observe(self, x: Tensor, exempt: Tensor | None) -> None:
        self.minimum, self.maximum = self.measure(x)

    def affine(self) -> Affine:
        return Affine.of_range(self.minimum, self.maximum, self.levels)


def change_with_scale(x: Tensor, values: Tensor, inside: Tensor) -> Tensor:
    """scale times d values / d scale where the step is proportional to the scale.

    values - x inside the range, values outside: rounding residuals and clipped codes are held fixed. Source: Esser et
    al. 2020 (LSQ), eq. 3; Wang et al. 2023 (QLR) has the same form.
    """
    return torch.addcmul(values, x, inside, value=-1)


def sampled_rows(x: Tensor, entries: int) -> Tensor:
    """Evenly spaced rows of x, [k, columns], of about so many entries in all; x itself where it is smaller."""
    rows = x.flatten(1)
    wanted = max(1, entries // max(rows.shape[1], 1))
    return rows[:: -(-rows.shape[0] // wanted)] if rows.shape[0] > wanted else rows


class _OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, scale: Tensor | None, grid: Affine, site: GridSite) -> Tensor:
        values, slopes = site.rounded(x, grid)
        ctx.save_for_backward(*slopes)
        return values

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        passes, change, divisor = ctx.saved_tensors
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = gradient if passes is None else gradient * passes
        to_scale = None
        if ctx.needs_input_grad[1]:  # zero is not None: weight decay still moves a scale without a gradient
            to_scale = gradient.new_zeros(()) if change is None else inner_product(gradient, change) / divisor
        return to_x, to_scale, None, None

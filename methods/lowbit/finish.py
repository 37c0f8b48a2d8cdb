"""What is made of an aggregate before it is written: all of it happens in the kernel, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from methods.errors import MethodError
from methods.lowbit.grid import Grid
from methods.lowbit.packed_rows import PackedRows


@dataclass(frozen=True)
class Finish:
    """y = ReLU(share * Q_result(aggregate) + anchor_share * anchor + bias), packed on the grid `to`.

    Everything is optional; the default is the aggregate itself in float32.

    Attributes:
        result: grid that the aggregate is rounded to first.
        share: factor of the aggregate.
        anchor: [rows, columns] float32 or packed, what a propagation step returns to.
        anchor_share: factor of the anchor.
        bias: [columns] float32.
        relu: whether negative values become 0.
        to: grid of the packed result; None gives float32.
        for_next: whether row i is multiplied by d_i^-1/2 before it is packed, which makes it the operand of the next
            aggregation.
    """

    result: Grid | None = None
    share: float = 1.0
    anchor: Tensor | PackedRows | None = None
    anchor_share: float = 0.0
    bias: Tensor | None = None
    relu: bool = False
    to: Grid | None = None
    for_next: bool = False

    def check(self, rows: int, columns: int) -> None:
        """See that the parts fit to a result of a shape.

        Raises:
            MethodError: a part has another shape, or the bias contains NaN.
        """
        if self.bias is not None and list(self.bias.shape) != [columns]:
            raise MethodError(f"the bias must have shape [{columns}] but has {list(self.bias.shape)}")
        if isinstance(self.anchor, PackedRows):
            shape = [self.anchor.rows, self.anchor.columns]
        else:
            shape = [rows, columns] if self.anchor is None else list(self.anchor.shape)
        if shape != [rows, columns]:
            raise MethodError(f"the anchor must have shape [{rows}, {columns}] but has {shape}")
        if self.bias is not None and bool(self.bias.isnan().any()):
            raise MethodError("the bias contains NaN; the model that made it diverged")

"""What balance means: per hidden unit, the energy of what makes it equals the energy of what reads it.

Energies are sums of squares, of parameters (criterion `weight_norm`, the zero of the conserved quantity of gradient
flow, Mustafa et al. 2023) or of elementwise gradient / parameter (`relative_gradient`, Mustafa and Burkholz 2024, eq.
4-7). They are kept in float64, because single entries carry a third of a layer's sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from methods.errors import MethodError
from methods.invariance import Invariance

Criterion = Literal["weight_norm", "relative_gradient"]

POWER: dict[Criterion, int] = {"weight_norm": 2, "relative_gradient": -4}
"""Multiplying a parameter by s multiplies its energy by s to this power: its gradient is divided by s."""

TINY = 1e-30
"""Parameters closer to 0 than this have the relative gradient 0."""


@dataclass(frozen=True)
class _Matrix:
    """Squares of one parameter [rows, columns], and which units its rows make and its columns read (None: no units)."""

    squares: Tensor
    made: int | None
    read: int | None


class Energies:
    """Energies of all hidden units, at factors that may still be chosen.

    Args:
        invariance: of the network.
        criterion: which energy.
        guarded: whether a parameter of 0 has the relative gradient 0, as the paper defines it. The released code
            divides by 0 there.

    Raises:
        MethodError: a relative gradient is asked for, and a parameter has no gradient.
    """

    def __init__(self, invariance: Invariance, criterion: Criterion, guarded: bool = True) -> None:
        self.power = POWER[criterion]
        shapes: dict[Tensor, tuple[int, int]] = {}
        made: dict[Tensor, int] = {}
        read: dict[Tensor, int] = {}
        for index, units in enumerate(invariance.units):
            for parameter in units.incoming:
                made[parameter], shapes[parameter] = index, (units.size, -1)
            for parameter in units.outgoing:
                read[parameter], shapes[parameter] = index, (-1, units.size)
            for parameter in units.attention:  # one score a unit: a row that reads them
                read[parameter], shapes[parameter] = index, (1, units.size)
        self._matrices = []
        for parameter, shape in shapes.items():
            matrix = _Matrix(
                _squares(parameter, criterion, guarded).reshape(shape), made.get(parameter), read.get(parameter)
            )
            if matrix.made == matrix.read:
                matrix.squares.fill_diagonal_(0.0)  # what a unit reads of itself is multiplied by lambda / lambda
            self._matrices.append(matrix)
        device = self._matrices[0].squares.device
        self.factors = [torch.ones(units.size, dtype=torch.float64, device=device) for units in invariance.units]

    def made(self, index: int) -> Tensor:
        """Energy of what makes each of a group of units, [size] float64.

        Where a matrix reads and makes the same units its diagonal is left out, since no factor changes it.
        """
        return self._sum(index, making=True)

    def read(self, index: int) -> Tensor:
        """Energy of what reads each of a group of units, attention included, [size] float64."""
        return self._sum(index, making=False)

    def tied(self, index: int) -> bool:
        """Whether a matrix reads and makes this group, so that its units depend on each other."""
        return any(matrix.made == index and matrix.read == index for matrix in self._matrices)

    def total(self) -> Tensor:
        """Energy of all parameters but those diagonals, the convex function that balancing lowers; a float64 scalar."""
        return torch.stack([self._along(matrix, making=True).sum() for matrix in self._matrices]).sum()

    def _sum(self, index: int, making: bool) -> Tensor:
        total = torch.zeros_like(self.factors[index])
        for matrix in self._matrices:
            if (matrix.made if making else matrix.read) == index:
                total += self._along(matrix, making)
        return total

    def _along(self, matrix: _Matrix, making: bool) -> Tensor:
        """Sums over each row (`making`) or each column of a matrix, at the present factors."""
        of_row = None if matrix.made is None else self.factors[matrix.made] ** self.power
        of_column = None if matrix.read is None else self.factors[matrix.read] ** -self.power
        inner, outer = (of_column, of_row) if making else (of_row, of_column)
        squares = matrix.squares if making else matrix.squares.t()
        sums = squares.sum(1) if inner is None else squares @ inner
        return sums if outer is None else sums * outer


def _squares(parameter: Tensor, criterion: Criterion, guarded: bool) -> Tensor:
    values = parameter.detach().double()
    if criterion == "weight_norm":
        return values.square()
    if parameter.grad is None:
        raise MethodError("the criterion relative_gradient needs gradients; call it after a backward pass")
    relative = parameter.grad.double() / values
    return (torch.where(values.abs() < TINY, 0.0, relative) if guarded else relative).square()


def imbalance(made: Tensor, read: Tensor) -> Tensor:
    """(A - B) / (A + B), from -1 to 1; 0 where both are 0, and NaN where one is."""
    total = made + read
    return torch.where(total != 0, (made - read) / total, torch.zeros_like(total))

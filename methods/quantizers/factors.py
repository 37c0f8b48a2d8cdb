"""Operators as sums without weights between two scalings of nodes: the form that integers can add up."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.lowbit.operator import SymmetricOperator


def symmetric_factors(adjacency: Adjacency, operator: Adjacency) -> tuple[Tensor, Adjacency] | None:
    """The diagonal of D^-1/2 [nodes] and P, where the operator is an adjacency's own D^-1/2 P D^-1/2, else None."""
    # an operator does not know how it was normalised, but the adjacency that made it does
    for (kind, self_loops), made in adjacency._normalized.items():
        if made is operator and kind == "symmetric":
            pattern = adjacency.normalized("none", self_loops)
            sums = pattern.sums()
            return torch.where(sums > 0, sums.rsqrt(), 0), pattern
    return None


def integer_factors(adjacency: Adjacency, operator: Adjacency) -> tuple[SymmetricOperator, Tensor | None] | None:
    """What kernels on codes need to multiply with an operator.

    Args:
        adjacency: of the view.
        operator: [rows, columns], made from it or not.

    Returns:
        An unweighted pattern with a factor for each row, and the factors of the columns, [columns] or None for ones;
        None where the operator has weights that are no such factors.
    """
    symmetric = symmetric_factors(adjacency, operator)
    if symmetric is not None:
        root, pattern = symmetric
        return None if pattern.values is not None else (_summing(pattern, root), root)
    pattern = Adjacency(operator.indptr, operator.indices, operator.columns)
    of_row = torch.ones(operator.rows, device=operator.device)
    if operator.values is not None and operator.entries:
        first = operator.values[operator.indptr[:-1].long().clamp(max=operator.entries - 1)].float()
        of_row = torch.where(operator.degrees() > 0, first, 0)
        if not torch.equal(of_row[operator.row_of_entry()], operator.values.float()):
            return None
    return _summing(pattern, of_row), None


def _summing(pattern: Adjacency, of_row: Tensor) -> SymmetricOperator:
    return SymmetricOperator(pattern, of_row, int(pattern.degrees().max()) if pattern.rows else 0)

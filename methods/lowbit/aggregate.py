"""The node-site aggregation: packed rows are gathered and their codes summed as integers."""

from __future__ import annotations

from torch import Tensor

from methods.errors import MethodError
from methods.lowbit.backend import kernels
from methods.lowbit.finish import Finish
from methods.lowbit.operator import SymmetricOperator
from methods.lowbit.packed_rows import PackedRows

_PLAIN = Finish()


def aggregate_packed(operator: SymmetricOperator, operand: PackedRows, finish: Finish = _PLAIN) -> Tensor | PackedRows:
    """D^-1/2 (A + I) U for U = Q(D^-1/2 H), and what follows, without a float matrix in between.

    Row i of the aggregate is d_i^-1/2 * step * (sum of its entries' codes - zero_point * number of entries).

    Args:
        operand: U, [nodes, columns], as `quantize_rows(h, grid, operator.root)` or a finish with `for_next` gives it.
        finish: what is made of the aggregate.

    Returns:
        [nodes, columns], packed where `finish.to` is a grid and else float32; nodes without entries aggregate to 0.

    Raises:
        MethodError: shapes or devices do not fit, a node has so many neighbours that int32 could overflow, or NaN
            would have to be packed.
    """
    _check(operator, operand)
    finish.check(operator.pattern.rows, operand.columns)
    return kernels(operand.device).aggregate(operator, operand, finish)


def code_sums(operator: SymmetricOperator, operand: PackedRows) -> Tensor:
    """Sum of the codes of each row's entries, [nodes, columns] int32.

    Raises:
        MethodError: as `aggregate_packed`.
    """
    _check(operator, operand)
    return kernels(operand.device).code_sums(operator, operand)


def _check(operator: SymmetricOperator, operand: PackedRows) -> None:
    if operand.rows != operator.pattern.columns:
        raise MethodError(f"the graph has {operator.pattern.columns} nodes but {operand.rows} packed rows came")
    if operand.device != operator.pattern.device:
        raise MethodError(f"the graph is on {operator.pattern.device} but the packed rows are on {operand.device}")
    operator.check(operand.bits)

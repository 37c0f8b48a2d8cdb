"""Rows of sparse matrices cut out, extended and scaled in one pass each, without a temporary as long as the matrix."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(parallel=True, cache=True, boundscheck=False)
def induced_sizes(indptr, indices, nodes, position):
    """Entries that each of `nodes` keeps, [nodes] int64; `position` is -1 for columns that are left out."""
    sizes = np.empty(nodes.size, dtype=np.int64)
    for row in numba.prange(nodes.size):
        node, kept = nodes[row], 0
        for entry in range(indptr[node], indptr[node + 1]):
            kept += position[indices[entry]] >= 0
        sizes[row] = kept
    return sizes


@numba.njit(parallel=True, cache=True, boundscheck=False)
def induced_entries(indptr, indices, values, nodes, position, starts, out_indices, out_values):
    """Write the entries that are kept; `values` and `out_values` are empty where the matrix has none."""
    weighted = values.size > 0
    for row in numba.prange(nodes.size):
        node, place = nodes[row], starts[row]
        for entry in range(indptr[node], indptr[node + 1]):
            column = position[indices[entry]]
            if column >= 0:
                out_indices[place] = column
                if weighted:
                    out_values[place] = values[entry]
                place += 1


@numba.njit(parallel=True, cache=True, boundscheck=False)
def rows_without_loop(indptr, indices):
    """Which rows lack an entry in their own column, [rows] bool."""
    lonely = np.ones(indptr.size - 1, dtype=np.bool_)
    for row in numba.prange(indptr.size - 1):
        for entry in range(indptr[row], indptr[row + 1]):
            if indices[entry] == row:
                lonely[row] = False
    return lonely


@numba.njit(parallel=True, cache=True, boundscheck=False)
def with_loops(indptr, indices, values, lonely, starts, out_indices, out_values):
    """Copy all rows, with one more entry of weight 1 at the end of each lonely one."""
    weighted = out_values.size > 0  # a weighted matrix without entries has no values either, but its loops have
    for row in numba.prange(indptr.size - 1):
        shift = starts[row] - indptr[row]
        for entry in range(indptr[row], indptr[row + 1]):
            out_indices[entry + shift] = indices[entry]
            if weighted:
                out_values[entry + shift] = values[entry]
        if lonely[row]:
            out_indices[starts[row + 1] - 1] = row
            if weighted:
                out_values[starts[row + 1] - 1] = 1


@numba.njit(parallel=True, cache=True, boundscheck=False)
def scaled(indptr, indices, values, of_row, of_column, out):
    """out = of_row[row] * value * of_column[column]; empty `values` are all 1, an empty `of_column` as well."""
    weighted, both = values.size > 0, of_column.size > 0
    for row in numba.prange(indptr.size - 1):
        factor = of_row[row]
        for entry in range(indptr[row], indptr[row + 1]):
            weight = factor * of_column[indices[entry]] if both else factor
            out[entry] = weight * values[entry] if weighted else weight

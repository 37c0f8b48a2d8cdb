"""Queries whose answer is columns: DuckDB hands these over without making an object of every value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Float, Integer, Numeric, Select, TextualSelect
from sqlalchemy.types import TypeEngine

from db.schema import UTCDateTime

_MOMENT = "datetime64[us]"


def read_arrays(
    connection: Connection, query: Select[Any] | TextualSelect, **parameters: Any
) -> dict[str, NDArray[Any]]:
    """The columns of a query by name, each (rows,): numbers as int64 or float64, moments as datetime64 in UTC, and
    words as objects; not for JSON.

    A missing number is NaN, which makes whole numbers float64; a missing word is None.
    """
    result = connection.execute(query, parameters)
    if connection.dialect.name == "duckdb":
        # the driver's own method; SQLAlchemy has none for columns
        found = result.cursor.fetchnumpy()  # type: ignore[union-attr]
        return {name: _plain(column) for name, column in found.items()}
    columns, rows = query.selected_columns, result.all()
    values = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return {column.name: _typed(list(own), column.type) for column, own in zip(columns, values, strict=True)}


def _plain(column: NDArray[Any]) -> NDArray[Any]:
    missing, values = np.ma.getmaskarray(column), np.ma.getdata(column)
    if values.dtype.kind == "O":
        words: NDArray[Any] = values.copy()
        words[missing] = None
        return words
    if values.dtype.kind == "M":
        return values.astype(_MOMENT)
    if values.dtype.kind in "iu" and not missing.any():
        return values.astype(np.int64)
    numbers = values.astype(np.float64)
    numbers[missing] = np.nan
    return numbers


def _typed(values: list[Any], kind: TypeEngine[Any]) -> NDArray[Any]:
    if isinstance(kind, Integer) and None not in values:
        return np.array(values, dtype=np.int64)
    if isinstance(kind, Integer | Numeric | Float):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if isinstance(kind, UTCDateTime):
        return np.array([value.replace(tzinfo=None) for value in values], dtype=_MOMENT)
    words = np.empty(len(values), dtype=object)
    words[:] = values
    return words

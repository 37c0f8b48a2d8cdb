"""The CSV files of a bundle: the evaluations of one trial, and its predictions. Plain text, no quotes, no pickle."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from db.bundle.errors import BundleError
from db.bundle.limits import ROWS
from db.scoring.curve import Curve

CURVE_ROWS = 100_000
_COUNTS = ("epoch", "step", "node_visits", "edge_visits")
_MAY_MISS = ("train_loss", "validation_metric")
"""A figure that was not finite is left empty."""
_CURVE = {field.name: pa.int64() if field.name in _COUNTS else pa.float64() for field in fields(Curve)}
_PREDICTIONS = {"node": pa.int64(), "prediction": pa.float64()}
_LARGEST = 2**53


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one trial says of the validation and test nodes of its split, ordered by node.

    Attributes:
        nodes: [k] int64, ascending, each once; of graphs where the labels belong to graphs.
        values: [k] float64: the class, or the score of the positive class where the metric is ROC AUC.
        as_written: [k] the values in the order of the file.
    """

    nodes: NDArray[np.int64]
    values: NDArray[np.float64]
    as_written: NDArray[np.float64]


def read_curve(content: bytes, name: str) -> Curve:
    """The evaluations of a trial.

    Raises:
        BundleError: not the columns of a curve, not numbers, negative or not finite ones, or out of order.
    """
    columns = _read(content, name, _CURVE, CURVE_ROWS)
    curve = Curve(**columns)
    for column in (*_COUNTS, "scored_seconds"):
        values = columns[column]
        if (values < 0).any():
            raise BundleError(f"{name} has a negative {column} in row {_first(values < 0)}")
        if (np.diff(values) < 0).any():
            raise BundleError(f"{name}: {column} goes back in row {_first(np.diff(values) < 0) + 1}; it only grows")
    if (np.diff(curve.epoch) == 0).any():
        raise BundleError(f"{name} has epoch {curve.epoch[_first(np.diff(curve.epoch) == 0) - 1]} twice")
    metric = curve.validation_metric
    if ((metric < 0) | (metric > 1)).any():
        row = _first((metric < 0) | (metric > 1))
        raise BundleError(f"{name} has a validation_metric outside 0 to 1 in row {row}; metrics are fractions")
    return curve


def write_curve(curve: Curve) -> bytes:
    """What `read_curve` reads back to the last bit."""
    names = [field.name for field in fields(Curve)]
    rows = zip(*(getattr(curve, name).tolist() for name in names), strict=True)
    # a number that is not finite is not equal to itself or to its product with 0
    lines = [",".join("" if value * 0 != 0 else repr(value) for value in row) for row in rows]
    return "\n".join([",".join(names), *lines, ""]).encode()


def read_predictions(content: bytes, name: str) -> Predictions:
    """The predictions of a trial.

    Raises:
        BundleError: not the two columns, not numbers, not finite ones, or a node twice.
    """
    columns = _read(content, name, _PREDICTIONS, ROWS)
    order = np.argsort(columns["node"], kind="stable")
    nodes, values = columns["node"][order], columns["prediction"][order]
    if nodes[0] < 0:
        raise BundleError(f"{name} names the node {nodes[0]}; nodes are counted from 0")
    if (np.diff(nodes) == 0).any():
        raise BundleError(f"{name} has node {nodes[_first(np.diff(nodes) == 0)]} twice; keep one prediction a node")
    return Predictions(nodes, values, columns["prediction"])


def write_predictions(nodes: NDArray[np.int64], values: NDArray) -> bytes:
    """Classes as whole numbers and 32-bit scores with as many digits as tell them apart, in the order of nodes."""
    order = np.argsort(nodes, kind="stable")
    said = [str(value) for value in values[order]]
    lines = [f"{node},{value}" for node, value in zip(nodes[order].tolist(), said, strict=True)]
    return "\n".join(["node,prediction", *lines, ""]).encode()


def _read(content: bytes, name: str, columns: dict[str, pa.DataType], most: int) -> dict[str, NDArray]:
    if content.startswith(b"\x80"):
        raise BundleError(f"{name} holds a pickle, which is never opened; write it as CSV")
    header = content[:500].partition(b"\n")[0].strip().decode("ascii", errors="replace")
    if sorted(header.split(",")) != sorted(columns):
        raise BundleError(f"{name} begins with {header[:60]!a}; its first line must be: {','.join(columns)}")
    if (rows := content.count(b"\n")) > most + 1:
        raise BundleError(f"{name} has {rows:,} rows; it may have {most:,}")
    try:
        table = csv.read_csv(
            io.BytesIO(content),
            csv.ReadOptions(use_threads=False),
            csv.ParseOptions(quote_char=False, double_quote=False),
            csv.ConvertOptions(column_types=columns, null_values=[""], strings_can_be_null=False),
        )
    except pa.ArrowException as error:
        raise BundleError(f"{name} is no table of numbers: {_said(error)}") from error
    if not table.num_rows:
        raise BundleError(f"{name} has no rows")
    return {column: _checked(table[column], f"{name}: {column}", column in _MAY_MISS) for column in columns}


def _checked(values: pa.ChunkedArray, where: str, may_miss: bool) -> NDArray:
    if values.null_count and not may_miss:
        raise BundleError(f"{where} is empty in {values.null_count} rows; every row needs it")
    # Arrow makes NaN of an empty field, so what was written as nan is looked for before
    missing = np.concatenate([chunk.is_null().to_numpy(zero_copy_only=False) for chunk in values.chunks])
    array = values.to_numpy()
    if (wrong := ~np.isfinite(array) & ~missing).any():
        raise BundleError(f"{where} is {array[wrong][0]} in row {_first(wrong)}; it must be a finite number")
    if (large := np.abs(np.where(missing, 0, array)) > _LARGEST).any():
        raise BundleError(f"{where} is beyond 2^53 in row {_first(large)}")
    return array


def _first(mask: NDArray[np.bool_]) -> int:
    """The row, counted from 1, of the first entry that is set."""
    return int(np.argmax(mask)) + 1


def _said(error: Exception) -> str:
    line = " ".join(str(error).split())
    return "".join(character if " " <= character <= "~" and character not in "<>" else "?" for character in line)[:160]

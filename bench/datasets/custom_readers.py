"""Readers of the files in which users keep their own graphs. None of them executes anything that a file contains."""

from __future__ import annotations

import pickle
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.datasets.graph_data import Split
from bench.datasets.splits import from_masks
from bench.errors import DataError
from methods.spec import nearest

if TYPE_CHECKING:
    import pandas

_MASKS = ("train_mask", "val_mask", "test_mask")
_PARTS = ("train", "valid", "test")


class Arrays(NamedTuple):
    """Features [N, F], edges [2, E], labels [N] and the splits that the file has, if any."""

    x: NDArray
    edge_index: NDArray[np.integer]
    y: NDArray
    splits: tuple[Split, ...]


def read_npz(path: Path) -> Arrays:
    """Arrays x, y, edge_index (or sources and targets); optional masks or index arrays train, valid, test.

    Raises:
        DataError: the file is truncated, wants to unpickle objects, or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is not a readable .npz of plain arrays ({error})") from error
    return _from_arrays(path, arrays)


def read_pt(path: Path) -> Arrays:
    """A PyTorch Geometric `Data` object, or a dictionary of tensors, saved by `torch.save`.

    Raises:
        DataError: the file holds anything else than tensors and PyG's own classes, or lacks an array.
    """
    import torch
    from torch_geometric.data import Data
    from torch_geometric.data.data import DataEdgeAttr, DataTensorAttr
    from torch_geometric.data.storage import GlobalStorage

    try:
        with torch.serialization.safe_globals([Data, DataEdgeAttr, DataTensorAttr, GlobalStorage]):
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{path} holds objects whose loading could execute code, so it is refused; "
            "save a dictionary of tensors or an .npz"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is not a readable .pt file ({str(error).splitlines()[0]})") from error
    values = stored.to_dict() if isinstance(stored, Data) else stored
    if not isinstance(values, Mapping):
        raise DataError(f"{path} holds a {type(values).__name__}, but a graph or a dictionary of tensors is needed")
    return _from_arrays(path, {k: v.numpy() for k, v in values.items() if isinstance(v, torch.Tensor)})


def _from_arrays(path: Path, arrays: Mapping[str, NDArray]) -> Arrays:
    if "sources" in arrays and "targets" in arrays:
        edge_index = np.stack([arrays["sources"], arrays["targets"]])
    else:
        edge_index = _pick(path, arrays, "edge_index")
    y = _pick(path, arrays, "y")
    # a column of labels is how PyG and OGB store them
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    return Arrays(_pick(path, arrays, "x"), edge_index, y, _splits(path, arrays, len(y)))


def _pick(path: Path, arrays: Mapping[str, NDArray], name: str) -> NDArray:
    if name not in arrays:
        raise DataError(f"{path} has no array '{name}'; it has {', '.join(sorted(arrays)) or 'none'}")
    return arrays[name]


def _splits(path: Path, arrays: Mapping[str, NDArray], nodes: int) -> tuple[Split, ...]:
    if any(name in arrays for name in _MASKS):
        masks = [_mask(path, name, _pick(path, arrays, name), nodes) for name in _MASKS]
        return from_masks(*masks)
    if any(name in arrays for name in _PARTS):
        parts = [_pick(path, arrays, name) for name in _PARTS]
        if any(part.ndim != 1 or not np.issubdtype(part.dtype, np.integer) for part in parts):
            raise DataError(f"{path}: train, valid and test must be one-dimensional arrays of node numbers")
        return (Split(*(part.astype(np.int64) for part in parts)),)
    return ()


def _mask(path: Path, name: str, mask: NDArray, nodes: int) -> NDArray:
    rows = mask.T if mask.ndim == 2 and mask.shape[0] == nodes else mask
    if rows.ndim not in (1, 2) or rows.shape[-1] != nodes:
        raise DataError(f"{path}: {name} has shape {mask.shape}, but there are {nodes} nodes")
    return rows.astype(bool)


def read_csv_tables(
    edges: Path, nodes: Path, *, id_column: str, ends: tuple[str, str], label: str, split: str | None
) -> Arrays:
    """An edge table and a node table; ids and labels may be any words, all further node columns are features.

    Raises:
        DataError: a table or a column is missing, an edge names an unknown id, or a feature is no number.
    """
    edge_table, node_table = _table(edges), _table(nodes)
    ids = _column(nodes, node_table, id_column)
    if ids.duplicated().any():
        raise DataError(f"{nodes} has the {id_column} {ids[ids.duplicated()].iloc[0]} twice")
    labels = _column(nodes, node_table, label)
    position = {value: row for row, value in enumerate(ids)}
    columns = [_column(edges, edge_table, end) for end in ends]
    numbered = [column.map(position) for column in columns]
    for column, known in zip(columns, numbered, strict=True):
        if known.isna().any():
            raise DataError(
                f"{edges} has an edge with the node {column[known.isna()].iloc[0]}, which is not in {nodes}"
            )
    splits: tuple[Split, ...] = ()
    if split is not None:
        splits = (_named_split(nodes, _column(nodes, node_table, split)),)
    features = node_table.drop(columns=[id_column, label, *([split] if split else [])])
    for name in features:
        if features[name].dtype.kind not in "iufb":
            raise DataError(f"{nodes}: the column '{name}' is not all numbers, so it cannot be a feature")
    edge_index = np.stack([known.to_numpy(np.int64) for known in numbered])
    return Arrays(features.to_numpy(np.float32), edge_index, _codes(labels), splits)


def _table(path: Path) -> pandas.DataFrame:
    import pandas

    try:
        return pandas.read_csv(path)
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is not a readable CSV ({error})") from error


def _column(path: Path, table: pandas.DataFrame, name: str) -> Any:
    if name not in table:
        raise DataError(f"{path} has no column '{name}'; {nearest(name, [str(column) for column in table])}")
    return table[name]


def _codes(labels: Any) -> NDArray[np.int64]:
    import pandas

    if labels.dtype.kind in "iu":
        return labels.to_numpy(np.int64)
    # sorted words number the classes; an empty cell gets -1
    return pandas.Categorical(labels).codes.astype(np.int64)


def _named_split(path: Path, names: Any) -> Split:
    unknown = set(names.dropna()) - set(_PARTS)
    if unknown:
        raise DataError(f"{path} puts a node into '{sorted(map(str, unknown))[0]}'; use train, valid, test or nothing")
    return Split(*(np.flatnonzero(names == part).astype(np.int64) for part in _PARTS))

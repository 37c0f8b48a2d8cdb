"""Prepared datasets on disk: plain arrays in one folder, written whole or not at all, read as memory maps."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.datasets.graph_data import GraphData, Split
from bench.errors import DataError

FORMAT = 1
"""Goes up when the layout of the folder or the meaning of an array changes, so that older folders are not read."""

_ARRAYS = ("x", "indptr", "indices", "y", "graph_ptr")


def folder_for(cache: Path, name: str, identity: Any) -> Path:
    """Where the prepared copy of this spec, version and these raw files lies."""
    digest = hashlib.sha256(json.dumps([FORMAT, name, identity]).encode()).hexdigest()[:16]
    slug = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("_")[-60:]
    return cache / "datasets" / f"{slug}-{digest}"


def read(folder: Path) -> GraphData | None:
    """The prepared dataset with memory-mapped arrays; None when there is none or it is damaged."""
    try:
        meta = json.loads((folder / "meta.json").read_text())
        arrays = {key: np.load(folder / f"{key}.npy", mmap_mode="r") for key in meta["arrays"]}
        pieces = np.load(folder / "splits.npy", mmap_mode="r")
        if any(list(array.shape) != meta["arrays"][key] for key, array in arrays.items()):
            return None
        return GraphData(**_values(meta["values"]), **arrays, splits=_unpack(pieces, meta["splits"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def write(folder: Path, data: GraphData) -> GraphData:
    """Store the dataset and give it back as memory maps.

    When another process has stored the same one in the meantime, that copy is used.

    Raises:
        DataError: the cache folder may not be written, or the disk is full.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".preparing-"))
        try:
            _write_arrays(temporary, data)
            _move_into_place(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"the prepared dataset {data.name} cannot be written to {folder.parent} ({error.strerror}); "
            "make room there or set LEANGNN_CACHE to another folder"
        ) from error
    stored = read(folder)
    if stored is None:
        raise DataError(f"the prepared dataset in {folder} cannot be read back; remove that folder and try again")
    return stored


def _write_arrays(folder: Path, data: GraphData) -> None:
    shapes = {}
    for key in _ARRAYS:
        array = getattr(data, key)
        if array is not None:
            np.save(folder / f"{key}.npy", array)
            shapes[key] = list(array.shape)
    parts = [part for split in data.splits for part in (split.train, split.valid, split.test)]
    np.save(folder / "splits.npy", np.concatenate(parts))
    values = {field.name: getattr(data, field.name) for field in fields(data) if field.name not in (*_ARRAYS, "splits")}
    meta = {"arrays": shapes, "splits": [len(part) for part in parts], "values": values}
    (folder / "meta.json").write_text(json.dumps(meta, indent=1))


def _move_into_place(temporary: Path, folder: Path) -> None:
    for _ in range(3):
        try:
            temporary.rename(folder)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        if read(folder) is not None:
            return
        # what lies there is damaged; move it aside in one step, so that no reader sees half a folder
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".damaged-"))
        folder.rename(aside / folder.name)
        shutil.rmtree(aside, ignore_errors=True)


def _values(stored: dict[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(GraphData)}
    values = {key: value for key, value in stored.items() if key in known}
    if values["categories"] is not None:
        values["categories"] = tuple(values["categories"])
    return values


def _unpack(pieces: NDArray[np.int64], lengths: list[int]) -> tuple[Split, ...]:
    parts = np.split(np.asarray(pieces), np.cumsum(lengths)[:-1])
    return tuple(Split(*parts[start : start + 3]) for start in range(0, len(parts), 3))

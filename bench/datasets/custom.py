"""The user's own graph, described by a short TOML file beside its data.

Either one file (`.npz`, or `.pt` saved by PyTorch Geometric):

    graph = "my_graph.npz"
    metric = "roc_auc"

or two tables:

    edges = "edges.csv"
    nodes = "nodes.csv"
    label = "kind"
    split = "part"

Paths are relative to the TOML file.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.datasets.adjacency import Direction
from bench.datasets.custom_readers import Arrays, read_csv_tables, read_npz, read_pt
from bench.datasets.declaration import Dataset
from bench.datasets.graph_data import Metric, Split
from bench.datasets.raw_files import RawFile, RawFiles
from bench.datasets.raw_graph import RawGraph
from bench.datasets.splits import stratified
from bench.errors import DataError, UsageError
from methods.spec import nearest


class Description(BaseModel):
    """The keys of the TOML file."""

    model_config = ConfigDict(extra="forbid")

    description: str = ""
    graph: str | None = None
    """A `.npz` with x [N, F], y [N] and edge_index [2, E] or sources and targets [E], or a `.pt` with such a graph."""
    edges: str | None = None
    """A CSV with the columns `source` and `target`."""
    nodes: str | None = None
    """A CSV with a column `id`, a column of labels, and numbers in all other columns."""
    id: str = "id"
    source: str = "source"
    target: str = "target"
    label: str = "label"
    split: str | None = None
    """The column of the node CSV that says train, valid or test (or nothing)."""
    metric: Metric = "accuracy"
    direction: Direction = "both"
    classes: int | None = Field(default=None, ge=2)
    train: float = Field(default=0.6, gt=0, lt=1)
    """Share of training nodes of the ten stratified random splits that are drawn where the data has none."""

    @model_validator(mode="after")
    def _one_form(self) -> Description:
        if (self.graph is None) == (self.edges is None) or (self.edges is None) != (self.nodes is None):
            raise ValueError("name either graph, or both edges and nodes")
        return self


def declare(spec_text: str) -> Dataset:
    """The dataset that a TOML file describes.

    Raises:
        UsageError: a key that does not exist or a value that it cannot have.
        DataError: the TOML file or a file it names is missing or cannot be read.
    """
    path = Path(spec_text)
    described = _read(path)
    named = [name for name in (described.graph, described.edges, described.nodes) if name is not None]
    files = [(path.parent / name).absolute() for name in named]
    for file in files:
        if not _exists(file):
            raise DataError(f"{path} names {file.name}, but there is no file {file}")
    return Dataset(
        name=spec_text,
        loader=functools.partial(_load, described, files),
        metric=described.metric,
        description=described.description,
        files=tuple(RawFile(str(file)) for file in (path.absolute(), *files)),
        # its owner may edit it at any time, and results of two contents must never be taken for one another
        version="",
    )


def _exists(file: Path) -> bool:
    try:
        return file.is_file()
    except PermissionError as error:
        raise DataError(f"{file} may not be read (permission denied); give yourself read access") from error


def _read(path: Path) -> Description:
    try:
        keys = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}; give the path of a TOML file that describes your graph") from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a readable TOML file ({error})") from error
    try:
        return Description.model_validate(keys)
    except ValidationError as error:
        raise UsageError(_sentence(path, error)) from error


def _sentence(path: Path, error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{path} has an unknown key '{key}'; {nearest(key, Description.model_fields)}"
    if not key:
        return f"{path} must {first['ctx']['error']}"
    return f"{path} gives '{key}' a value that it cannot have, {first['input']!r}: {first['msg']}"


def _load(described: Description, paths: list[Path], files: RawFiles) -> RawGraph:
    arrays = _arrays(described, paths)
    _check_labels(paths[-1], arrays.y)
    splits: tuple[Split, ...] = arrays.splits or stratified(arrays.y, described.train)
    return RawGraph(
        x=arrays.x,
        edge_index=arrays.edge_index,
        y=arrays.y,
        splits=splits,
        direction=described.direction,
        classes=described.classes,
    )


def _check_labels(path: Path, y: NDArray) -> None:
    # before any split is drawn, so that the complaint is about the labels
    if y.dtype.kind not in "iufb":
        raise DataError(f"{path}: the labels are {y.dtype} values, but they must be numbers from 0 (-1 is unlabelled)")
    if len(y) and np.nanmin(y) < -1:
        raise DataError(f"{path}: label {np.nanmin(y)} is out of range; classes are numbered from 0, -1 is unlabelled")


def _arrays(described: Description, paths: list[Path]) -> Arrays:
    if described.graph is None:
        return read_csv_tables(
            *paths,
            id_column=described.id,
            ends=(described.source, described.target),
            label=described.label,
            split=described.split,
        )
    readers = {".npz": read_npz, ".pt": read_pt}
    if paths[0].suffix not in readers:
        raise UsageError(f"{paths[0]} ends in '{paths[0].suffix}', but a graph file must end in .npz or .pt")
    return readers[paths[0].suffix](paths[0])

"""Chameleon, Squirrel, WebKB and Actor as prepared by Geom-GCN, with its ten splits.

Source: Pei et al. 2020, arXiv:2002.05287.

The files are directed. By default the reverse of every edge is added; `direction=stored` keeps them as they are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.datasets.adjacency import Direction
from bench.datasets.declaration import Loader, Sizes
from bench.datasets.raw_files import RawFiles, raw_file
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import SPLITS, from_geom_gcn

_SOURCE = "https://github.com/graphdml-uiuc-jlu/geom-gcn"
_COMMIT = "https://raw.githubusercontent.com/graphdml-uiuc-jlu/geom-gcn/f1fc0d14b3b019c562737240d06ec83b07d16a8f"


def _register(name: str, folder: str, upstream: str, description: str, sizes: Sizes) -> None:
    tables = ["out1_node_feature_label.txt", "out1_graph_edges.txt"]
    masks = [f"{upstream}_split_0.6_0.2_{number}.npz" for number in range(SPLITS)]
    files = [raw_file(f"{folder}/{table}", f"{_COMMIT}/new_data/{upstream}/{table}") for table in tables]
    files += [raw_file(f"{folder}/{stem}", f"{_COMMIT}/splits/{stem}") for stem in masks]
    # actor lists the columns that are 1, the others write out the whole row
    lists_columns = upstream == "film"
    dataset(
        name,
        metric="accuracy",
        description=description,
        sizes=sizes,
        licence="none stated",
        source=_SOURCE,
        files=files,
    )(_loader([file.path for file in files], lists_columns))


def _loader(paths: list[str], lists_columns: bool) -> Loader:
    def load(files: RawFiles, *, direction: Direction = "both") -> RawGraph:
        x, y = read_nodes(files.path(paths[0]), lists_columns)
        edges = np.loadtxt(files.path(paths[1]), dtype=np.int64, skiprows=1, ndmin=2)
        return RawGraph(
            x=x,
            # published edge counts are of distinct edges
            edge_index=np.unique(edges, axis=0).T,
            y=y,
            splits=from_geom_gcn(files.path(path) for path in paths[2:]),
            direction=direction,
        )

    return load


def read_nodes(path: Path, lists_columns: bool) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features [N, F] and labels [N] from lines of node, comma-separated features, label."""
    lines = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    y = np.full(len(lines), -1, np.int64)
    rows: list[NDArray] = [np.empty(0)] * len(lines)
    kind = np.int64 if lists_columns else np.float32
    for node, features, label in lines:
        rows[int(node)] = np.fromstring(features, dtype=kind, sep=",")
        y[int(node)] = int(label)
    if not lists_columns:
        return np.stack(rows), y
    x = np.zeros((len(rows), max(int(row.max()) for row in rows) + 1), np.float32)
    for number, columns in enumerate(rows):
        x[number, columns] = 1
    return x, y


_register(
    "chameleon",
    "wikipedia_network/chameleon/geom_gcn/raw",
    "chameleon",
    "Wikipedia pages on chameleons that link to each other; class of traffic; duplicated nodes leak labels",
    Sizes(nodes=2_277, features=2_325, classes=5, stored_edges=36_101),
)
_register(
    "squirrel",
    "wikipedia_network/squirrel/geom_gcn/raw",
    "squirrel",
    "Wikipedia pages on squirrels that link to each other; class of traffic; duplicated nodes leak labels",
    Sizes(nodes=5_201, features=2_089, classes=5, stored_edges=217_073),
)
_register(
    "cornell",
    "webkb/cornell/raw",
    "cornell",
    "Web pages of a university that link to each other; kind of page",
    Sizes(nodes=183, features=1_703, classes=5, stored_edges=298),
)
_register(
    "texas",
    "webkb/texas/raw",
    "texas",
    "Web pages of a university that link to each other; kind of page",
    Sizes(nodes=183, features=1_703, classes=5, stored_edges=325),
)
_register(
    "wisconsin",
    "webkb/wisconsin/raw",
    "wisconsin",
    "Web pages of a university that link to each other; kind of page",
    Sizes(nodes=251, features=1_703, classes=5, stored_edges=515),
)
_register(
    "actor",
    "actor/raw",
    "film",
    "Actors named on the same Wikipedia page; words of the actor's own page",
    Sizes(nodes=7_600, features=932, classes=5, stored_edges=30_019),
)

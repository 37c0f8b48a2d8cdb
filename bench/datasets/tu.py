"""Graph classification sets of TU Dortmund (Morris et al. 2020, arXiv:2007.08663)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.datasets.declaration import Loader, Sizes
from bench.datasets.raw_files import RawFiles, raw_file
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset
from bench.datasets.splits import folds

_SOURCE = "https://chrsmrrs.github.io/datasets/"
_TABLES = ("A", "graph_indicator", "graph_labels", "node_labels")


def _register(name: str, title: str, description: str, sizes: Sizes) -> None:
    url = f"https://www.chrsmrrs.com/graphkerneldatasets/{title}.zip"
    files = [
        raw_file(f"tu/{title}/raw/{title}_{table}.txt", url, member=f"{title}/{title}_{table}.txt") for table in _TABLES
    ]
    dataset(
        name,
        metric="accuracy",
        description=description,
        level="graph",
        sizes=sizes,
        licence="none stated",
        source=_SOURCE,
        files=files,
    )(_loader(title))


def _loader(title: str) -> Loader:
    def load(files: RawFiles) -> RawGraph:
        edges, owner, labels, kinds = (_table(files, f"tu/{title}/raw/{title}_{table}.txt") for table in _TABLES)
        y = np.unique(labels, return_inverse=True)[1]
        x = np.zeros((len(kinds), int(kinds.max() - kinds.min()) + 1), np.float32)
        x[np.arange(len(kinds)), kinds - kinds.min()] = 1
        offsets = np.concatenate([[0], np.cumsum(np.bincount(owner - 1, minlength=len(y)))])
        # the files number nodes and graphs from 1, and nodes graph by graph
        return RawGraph(x=x, edge_index=edges.T - 1, y=y, splits=folds(y), graph_ptr=offsets)

    return load


def _table(files: RawFiles, path: str) -> NDArray[np.int64]:
    import pandas

    # some lines end in blanks, and pandas reads NCI1's 3 MB forty times faster than numpy
    table = pandas.read_csv(files.path(path), header=None, skipinitialspace=True).to_numpy(np.int64)
    return table[:, 0] if table.shape[1] == 1 else table


_register(
    "mutag",
    "MUTAG",
    "Molecules; whether they make bacteria mutate",
    Sizes(nodes=3_371, features=7, classes=2, edges=7_442, graphs=188),
)
_register(
    "proteins",
    "PROTEINS",
    "Proteins as graphs of their secondary structure; whether they are enzymes",
    Sizes(nodes=43_471, features=3, classes=2, edges=162_088, graphs=1_113),
)
_register(
    "nci1",
    "NCI1",
    "Molecules; whether they hinder lung cancer cells",
    Sizes(nodes=122_747, features=37, classes=2, edges=265_506, graphs=4_110),
)

"""Sets of the Open Graph Benchmark (Hu et al. 2020, arXiv:2005.00687), read from its raw csv files with its splits.

OGB's own loader asks on stdin and unpickles; neither happens here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.datasets.declaration import Loader, Sizes
from bench.datasets.graph_data import Split
from bench.datasets.raw_files import RawFile, RawFiles, raw_file
from bench.datasets.raw_graph import RawGraph
from bench.datasets.registry import dataset

_TABLES = ("raw/edge", "raw/node-feat", "raw/node-label")
_PARTS = ("train", "valid", "test")

ATOM_FEATURES = (119, 5, 12, 12, 10, 6, 6, 2, 2)
"""Values of each atom column: number, chirality, degree, charge, hydrogens, radicals, hybridisation, aromatic, ring."""


def csv_files(folder: str, archive: str, url: str, tables: tuple[str, ...], *also: str) -> list[RawFile]:
    """The named tables of one OGB set; `also` are other folders in which the same set may lie."""
    return [
        raw_file(
            f"{folder}/{table}.csv.gz",
            url,
            member=f"{archive}/{table}.csv.gz",
            also=tuple(f"{other}/{table}.csv.gz" for other in also),
        )
        for table in tables
    ]


def read_csv(path: Path) -> NDArray:
    """A numeric csv.gz without header."""
    import pandas

    return pandas.read_csv(path, header=None).to_numpy()


def read_split(files: RawFiles, folder: str, rule: str) -> tuple[Split, ...]:
    """OGB's official split, for example `split/time`."""
    train, valid, test = (
        read_csv(files.path(f"{folder}/{rule}/{part}.csv.gz")).ravel().astype(np.int64) for part in _PARTS
    )
    return (Split(train, valid, test),)


def _node_loader(folder: str, tables: tuple[str, ...]) -> Loader:
    def load(files: RawFiles) -> RawGraph:
        edges, x, y = (read_csv(files.path(f"{folder}/{table}.csv.gz")) for table in tables[:3])
        splits = read_split(files, folder, tables[3].rpartition("/")[0])
        return RawGraph(x=x, edge_index=edges.T, y=y.ravel(), splits=splits)

    return load


def _register(name: str, archive: str, tables: tuple[str, ...], description: str, licence: str, sizes: Sizes) -> None:
    folder = f"ogb/{name.replace('-', '_')}"
    incomplete = f"incomplete/{name.replace('-', '_')}"
    url = f"http://snap.stanford.edu/ogb/data/nodeproppred/{archive}.zip"
    dataset(
        name,
        metric="accuracy",
        description=description,
        sizes=sizes,
        licence=licence,
        source=f"https://ogb.stanford.edu/docs/nodeprop/#{name}",
        files=csv_files(folder, archive, url, tables, incomplete),
    )(_node_loader(folder, tables))


_register(
    "ogbn-arxiv",
    "arxiv",
    (*_TABLES, *(f"split/time/{part}" for part in _PARTS)),
    "Computer science papers on arXiv that cite each other; subject area, split by year",
    "ODC-BY",
    Sizes(nodes=169_343, features=128, classes=40, edges=2_315_598, stored_edges=1_166_243),
)
_register(
    "ogbn-products",
    "products",
    (*_TABLES, *(f"split/sales_ranking/{part}" for part in _PARTS)),
    "Amazon products bought together; category, split by sales rank",
    "Amazon licence",
    Sizes(nodes=2_449_029, features=100, classes=47, stored_edges=61_859_140),
)
_register(
    "ogbn-mag",
    "mag",
    (
        "raw/relations/paper___cites___paper/edge",
        "raw/node-feat/paper/node-feat",
        "raw/node-label/paper/node-label",
        *(f"split/time/paper/{part}" for part in _PARTS),
    ),
    "Papers of the Microsoft Academic Graph that cite each other (this part only); venue, split by year",
    "ODC-BY",
    Sizes(nodes=736_389, features=128, classes=349, stored_edges=5_416_271),
)

_MOLHIV = "ogb/ogbg_molhiv"


@dataset(
    "ogbg-molhiv",
    metric="roc_auc",
    description="Molecules, atoms joined by bonds (bond features left out); whether they hinder HIV, split by scaffold",
    level="graph",
    sizes=Sizes(nodes=1_049_163, features=9, classes=2, stored_edges=1_129_688, edges=2_259_376, graphs=41_127),
    licence="MIT",
    source="https://ogb.stanford.edu/docs/graphprop/#ogbg-mol",
    files=csv_files(
        _MOLHIV,
        "hiv",
        "http://snap.stanford.edu/ogb/data/graphproppred/csv_mol_download/hiv.zip",
        (
            "raw/edge",
            "raw/node-feat",
            "raw/graph-label",
            "raw/num-node-list",
            "raw/num-edge-list",
            "split/scaffold/train",
            "split/scaffold/valid",
            "split/scaffold/test",
        ),
    ),
)
def molhiv(files: RawFiles) -> RawGraph:
    """Integer atom codes as features, see `ATOM_FEATURES`."""
    edges, x, y, nodes, bonds = (
        read_csv(files.path(f"{_MOLHIV}/raw/{table}.csv.gz"))
        for table in ("edge", "node-feat", "graph-label", "num-node-list", "num-edge-list")
    )
    offsets = np.concatenate([[0], np.cumsum(nodes.ravel())])
    # the edge file numbers the atoms of each molecule from 0
    edge_index = edges.T + np.repeat(offsets[:-1], bonds.ravel())
    return RawGraph(
        x=x,
        edge_index=edge_index,
        y=y.ravel(),
        splits=read_split(files, _MOLHIV, "split/scaffold"),
        graph_ptr=offsets,
        categories=ATOM_FEATURES,
    )

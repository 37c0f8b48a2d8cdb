from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.datasets import ogb, registry
from bench.datasets.adjacency import to_csr
from bench.datasets.graph_data import GraphData


def _write(path: Path, rows: np.ndarray | list[int] | list[float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = np.asarray(rows)
    table = table[:, None] if table.ndim == 1 else table
    with gzip.open(path, "wt") as stream:
        stream.writelines(",".join(map(str, row)) + "\n" for row in table.tolist())


def _write_split(folder: Path) -> None:
    for part, members in (("train", [0, 3]), ("valid", [1]), ("test", [2, 4])):
        _write(folder / f"{part}.csv.gz", members)


EDGES = np.array([[0, 1], [2, 1], [3, 4]])
FEATURES = np.arange(10).reshape(5, 2) / 4
LABELS = [0, 2, 1, 0, 1]


def _node_set(folder: Path, rule: str, edge: str, feat: str, label: str) -> None:
    _write(folder / f"raw/{edge}.csv.gz", EDGES)
    _write(folder / f"raw/{feat}.csv.gz", FEATURES)
    _write(folder / f"raw/{label}.csv.gz", LABELS)
    _write_split(folder / "split" / rule)


LAYOUTS = [
    ("ogbn-arxiv", "time", "edge", "node-feat", "node-label"),
    ("ogbn-products", "sales_ranking", "edge", "node-feat", "node-label"),
    (
        "ogbn-mag",
        "time/paper",
        "relations/paper___cites___paper/edge",
        "node-feat/paper/node-feat",
        "node-label/paper/node-label",
    ),
]


@pytest.mark.parametrize(("name", "rule", "edge", "feat", "label"), LAYOUTS)
def test_node_sets_from_stand_in_files(name: str, rule: str, edge: str, feat: str, label: str, tmp_path: Path) -> None:
    _node_set(tmp_path / "ogb" / name.replace("-", "_"), rule, edge, feat, label)
    data = registry.load(name, tmp_path, tmp_path / "cache", verify=False)
    assert np.array_equal(data.x, FEATURES.astype(np.float32))
    assert data.y.tolist() == LABELS
    assert data.indptr.tolist() == [0, 1, 3, 4, 5, 6]
    assert data.indices.tolist() == [1, 0, 2, 1, 4, 3]
    split = data.splits[0]
    assert [part.tolist() for part in (split.train, split.valid, split.test)] == [[0, 3], [1], [2, 4]]
    assert data.metric == "accuracy"


def test_arxiv_completed_where_its_edges_lie(tmp_path: Path) -> None:
    _node_set(tmp_path / "incomplete/ogbn_arxiv", *LAYOUTS[0][1:])
    assert registry.load("ogbn-arxiv", tmp_path, tmp_path / "cache", verify=False).nodes == 5


def _molecules(tmp_path: Path) -> GraphData:
    # five molecules of 2, 1, 3, 1 and 2 atoms
    folder = tmp_path / "ogb/ogbg_molhiv"
    _write(folder / "raw/num-node-list.csv.gz", [2, 1, 3, 1, 2])
    _write(folder / "raw/num-edge-list.csv.gz", [1, 0, 2, 0, 1])
    _write(folder / "raw/edge.csv.gz", np.array([[0, 1], [0, 1], [1, 2], [0, 1]]))
    _write(folder / "raw/node-feat.csv.gz", np.arange(81).reshape(9, 9) % 2)
    _write(folder / "raw/graph-label.csv.gz", [0, 1, 0, 1, 0])
    _write_split(folder / "split/scaffold")
    return registry.load("ogbg-molhiv", tmp_path, tmp_path / "cache", verify=False)


def test_molecules_numbered_from_zero_each(tmp_path: Path) -> None:
    data = _molecules(tmp_path)
    assert data.graph_ptr is not None
    assert data.graph_ptr.tolist() == [0, 2, 3, 6, 7, 9]
    expected = to_csr(np.array([[0, 3, 4, 7], [1, 4, 5, 8]]), 9)
    assert np.array_equal(data.indptr, expected[0])
    assert np.array_equal(data.indices, expected[1])
    assert (data.level, data.metric, data.graphs) == ("graph", "roc_auc", 5)


def test_same_graphs_as_ogbs_own_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # without this, importing ogb asks the network for its newest version
    monkeypatch.setitem(sys.modules, "outdated", None)
    from ogb.io.read_graph_raw import read_csv_graph_raw
    from ogb.utils.features import get_atom_feature_dims

    data = _molecules(tmp_path)
    theirs = read_csv_graph_raw(str(tmp_path / "ogb/ogbg_molhiv/raw"), add_inverse_edge=True)
    assert data.graph_ptr is not None
    for graph, start in zip(theirs, data.graph_ptr, strict=False):
        nodes = graph["num_nodes"]
        assert np.array_equal(data.x[start : start + nodes], graph["node_feat"])
        indptr, indices = to_csr(graph["edge_index"], nodes, "stored")
        assert np.array_equal(np.diff(indptr), np.diff(data.indptr)[start : start + nodes])
        assert np.array_equal(indices + start, data.indices[data.indptr[start] : data.indptr[start + nodes]])
    assert data.categories == ogb.ATOM_FEATURES == tuple(get_atom_feature_dims())


def test_codes_of_molhiv_stay_within_their_categories(real_data: Path, cache: Path) -> None:
    data = registry.load("ogbg-molhiv", real_data, cache)
    assert (data.x.max(axis=0) < ogb.ATOM_FEATURES).all()
    assert (np.asarray(data.y) == 1).sum() == 1_443

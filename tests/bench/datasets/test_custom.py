from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.datasets import registry
from bench.datasets.graph_data import GraphData
from bench.errors import BenchError, DataError, UsageError

NODES = 40
RING = np.stack([np.arange(NODES), (np.arange(NODES) + 1) % NODES])
LABELS = np.arange(NODES) % 2
FEATURES = np.eye(NODES, 3, dtype=np.float32)


def _describe(folder: Path, **keys: Any) -> str:
    path = folder / "my.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()))
    return str(path)


def _npz(folder: Path, **changes: Any) -> str:
    arrays = {"x": FEATURES, "y": LABELS, "edge_index": RING} | changes
    np.savez(folder / "my.npz", **{name: array for name, array in arrays.items() if array is not None})
    return _describe(folder, graph="my.npz")


def _load(toml: str, folder: Path) -> GraphData:
    return registry.load(toml, cache_dir=folder / "cache")


def test_npz_with_drawn_splits(tmp_path: Path) -> None:
    toml = _npz(tmp_path)
    data = _load(toml, tmp_path)
    assert (data.name, data.nodes, data.edges, data.features, data.classes) == (toml, 40, 80, 3, 2)
    assert registry.canonical(toml) == toml
    assert len(data.splits) == 10
    assert len(data.splits[0].train) == 24
    assert _load(toml, tmp_path).sha256 == data.sha256


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    _load(_npz(tmp_path), tmp_path)
    assert _load(_npz(tmp_path, y=np.arange(NODES) % 4), tmp_path).classes == 4


def test_the_content_is_the_version(tmp_path: Path) -> None:
    first = _load(_npz(tmp_path), tmp_path).version
    assert _load(_npz(tmp_path), tmp_path).version == first
    changed = _load(_npz(tmp_path, x=FEATURES * 2), tmp_path).version
    _describe(tmp_path, graph="my.npz", metric="roc_auc")
    other_metric = _load(str(tmp_path / "my.toml"), tmp_path).version
    assert len({first, changed, other_metric, "", "1"}) == 5


def test_npz_with_sources_and_masks(tmp_path: Path) -> None:
    part = np.stack([np.roll(np.arange(NODES) % 4, shift) for shift in range(2)])
    toml = _npz(
        tmp_path,
        edge_index=None,
        sources=RING[0],
        targets=RING[1],
        y=LABELS[:, None],
        train_mask=(part < 2).T,
        val_mask=(part == 2).T,
        test_mask=(part == 3).T,
    )
    data = _load(toml, tmp_path)
    assert len(data.splits) == 2
    assert data.splits[0].test.tolist() == list(range(3, NODES, 4))
    assert data.splits[1].test.tolist() == list(range(0, NODES, 4))


def test_npz_with_index_arrays_and_keys(tmp_path: Path) -> None:
    _npz(tmp_path, train=np.arange(20), valid=np.arange(20, 30), test=np.arange(30, 40))
    toml = _describe(tmp_path, graph="my.npz", metric="roc_auc", direction="stored", description="a ring")
    data = _load(toml, tmp_path)
    assert (data.edges, data.undirected, data.metric, data.description) == (40, False, "roc_auc", "a ring")
    assert data.splits[0].valid.tolist() == list(range(20, 30))


def test_pt_of_pytorch_geometric(tmp_path: Path) -> None:
    import torch
    from torch_geometric.data import Data

    mask = torch.arange(NODES) % 4
    graph = Data(
        x=torch.from_numpy(FEATURES),
        y=torch.from_numpy(LABELS),
        edge_index=torch.from_numpy(RING),
        train_mask=mask < 2,
        val_mask=mask == 2,
        test_mask=mask == 3,
    )
    torch.save(graph, tmp_path / "my.pt")
    data = _load(_describe(tmp_path, graph="my.pt"), tmp_path)
    assert (data.nodes, data.edges, len(data.splits)) == (40, 80, 1)
    torch.save({"x": graph.x, "y": graph.y, "edge_index": graph.edge_index}, tmp_path / "my.pt")
    assert len(_load(_describe(tmp_path, graph="my.pt"), tmp_path).splits) == 10


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


def test_pt_that_wants_to_execute_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    torch.save({"x": _Evil()}, tmp_path / "my.pt")
    with pytest.raises(DataError, match="could execute code, so it is refused"):
        _load(_describe(tmp_path, graph="my.pt"), tmp_path)
    assert not (tmp_path / "executed").exists()


def _tables(folder: Path, edges: str, nodes: str, **keys: Any) -> str:
    (folder / "edges.csv").write_text(edges)
    (folder / "nodes.csv").write_text(nodes)
    return _describe(folder, edges="edges.csv", nodes="nodes.csv", **keys)


def _rows(split: bool = True) -> str:
    parts = ["train", "train", "valid", "test"]
    rows = [f"n{i},{'red' if i % 2 else 'blue'},{i / 10},1" + (f",{parts[i % 4]}" if split else "") for i in range(8)]
    return "id,kind,height,one" + (",part" if split else "") + "\n" + "\n".join(rows) + "\n"


EDGES = "source,target\nn0,n1\nn3,n2\n"


def test_two_tables(tmp_path: Path) -> None:
    data = _load(_tables(tmp_path, EDGES, _rows(), label="kind", split="part"), tmp_path)
    assert (data.nodes, data.edges, data.features, data.classes) == (8, 4, 2, 2)
    # blue comes before red
    assert data.y.tolist() == [0, 1] * 4
    assert data.x[3].tolist() == pytest.approx([0.3, 1])
    assert data.splits[0].valid.tolist() == [2, 6]
    assert data.indices[data.indptr[2] : data.indptr[3]].tolist() == [3]


@pytest.mark.parametrize(
    ("edges", "nodes", "message"),
    [
        ("source,target\nn0,n99\n", _rows(), "has an edge with the node n99, which is not in"),
        ("from,target\nn0,n1\n", _rows(), "has no column 'source'"),
        (EDGES, _rows().replace("kind", "knid"), "has no column 'kind'; did you mean 'knid'"),
        (EDGES, _rows().replace("0.3", "tall"), "the column 'height' is not all numbers"),
        (EDGES, _rows().replace("n3,", "n2,"), "has the id n2 twice"),
        (EDGES, _rows().replace("valid", "dev"), "puts a node into 'dev'; use train, valid, test"),
        (EDGES, _rows().replace("0.3", ""), "feature 0 of node 3 is nan"),
        (EDGES, "", "is not a readable CSV"),
    ],
)
def test_bad_tables(edges: str, nodes: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        _load(_tables(tmp_path, edges, nodes, label="kind", split="part"), tmp_path)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": None}, "has no array 'y'; it has edge_index, x"),
        ({"edge_index": np.array([[0], [40]])}, "edge 0 -> 40 names a node that does not exist"),
        ({"y": LABELS - 2}, "label -2 is out of range"),
        ({"y": LABELS + 0.5}, "labels are not whole numbers"),
        ({"y": np.array(["red"] * NODES)}, "labels are <U3 values, but they must be numbers"),
        ({"y": LABELS[:10]}, "there are 40 nodes"),
        ({"x": np.full((NODES, 3), np.nan)}, "feature 0 of node 0 is nan"),
        ({"x": np.array([[{}]] * NODES, dtype=object)}, "not a readable .npz of plain arrays"),
        ({"train": np.arange(4), "valid": np.arange(0), "test": np.arange(5, 9)}, "valid part of split 0 is empty"),
        ({"train": np.arange(4), "valid": np.arange(3, 5), "test": np.arange(5, 9)}, "overlaps"),
        ({"train_mask": np.ones(3, bool), "val_mask": LABELS, "test_mask": LABELS}, "train_mask has shape (3,)"),
        ({"train_mask": LABELS}, "has no array 'val_mask'"),
    ],
)
def test_bad_arrays(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        _load(_npz(tmp_path, **changes), tmp_path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_truncated_npz(tmp_path: Path) -> None:
    toml = _npz(tmp_path)
    content = (tmp_path / "my.npz").read_bytes()
    for kept in (0, 100, len(content) // 2, len(content) - 10):
        (tmp_path / "my.npz").write_bytes(content[:kept])
        with pytest.raises(DataError, match=r"my\.npz is not a readable \.npz"):
            _load(toml, tmp_path)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ('graph = "my.npz"\nmetrc = "accuracy"\n', UsageError, "unknown key 'metrc'; did you mean 'metric'"),
        ('graph = "my.npz"\nmetric = "f1"\n', UsageError, "gives 'metric' a value that it cannot have, 'f1'"),
        ('graph = "my.npz"\ntrain = 2\n', UsageError, "gives 'train' a value that it cannot have, 2"),
        ('edges = "edges.csv"\n', UsageError, "name either graph, or both edges and nodes"),
        ('graph = "my.xyz"\n', UsageError, "must end in .npz or .pt"),
        ('graph = "gone.npz"\n', DataError, "names gone.npz, but there is no file"),
        ("graph = \n", DataError, "is not a readable TOML file"),
    ],
)
def test_bad_descriptions(text: str, kind: type[BenchError], message: str, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(text)
    (tmp_path / "my.xyz").write_text("")
    (tmp_path / "my.npz").write_text("")
    with pytest.raises(kind) as raised:
        _load(str(tmp_path / "my.toml"), tmp_path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_missing_description(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        _load(str(tmp_path / "gone.toml"), tmp_path)


def test_check_and_describe_of_ones_own_graph(tmp_path: Path) -> None:
    toml = _npz(tmp_path)
    checks = registry.check(toml, cache_dir=tmp_path / "cache")
    assert [(Path(item.what).name, item.ok) for item in checks] == [
        ("my.toml", True),
        ("my.npz", True),
        ("graph", True),
    ]
    facts = registry.describe(toml, cache_dir=tmp_path / "cache")
    assert (facts["name"], facts["nodes"], facts["measured"]) == (toml, 40, True)

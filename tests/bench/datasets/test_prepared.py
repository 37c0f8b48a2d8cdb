from __future__ import annotations

import errno
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.datasets import prepared
from bench.datasets.graph_data import GraphData
from bench.errors import DataError


def test_what_is_written_is_read_back_as_memory_maps(square: GraphData, tmp_path: Path) -> None:
    whole = replace(square, categories=(3, 4), graph_ptr=np.array([0, 4]), edge_homophily=0.5, splits=square.splits * 2)
    stored = prepared.write(prepared.folder_for(tmp_path, "square", []), whole)
    assert isinstance(stored.x, np.memmap)
    for name in ("x", "indptr", "indices", "y", "graph_ptr"):
        written, read = getattr(whole, name), getattr(stored, name)
        assert np.array_equal(written, read)
        assert written.dtype == read.dtype
    assert (stored.categories, stored.edge_homophily, stored.adjusted_homophily) == ((3, 4), 0.5, None)
    assert (stored.name, stored.classes, stored.undirected) == ("square", 2, True)
    assert len(stored.splits) == 2
    for split in stored.splits:
        assert [p.tolist() for p in (split.train, split.valid, split.test)] == [[0, 2], [1], [3]]


def test_no_graph_offsets_stay_none(square: GraphData, tmp_path: Path) -> None:
    assert prepared.write(tmp_path / "datasets" / "square", square).graph_ptr is None


def test_the_folder_depends_on_name_and_identity(tmp_path: Path) -> None:
    folders = {
        prepared.folder_for(tmp_path, name, identity)
        for name, identity in (("cora", ["1"]), ("cora", ["2"]), ("cora(split=full)", ["1"]))
    }
    assert len(folders) == 3
    assert all(folder.parent == tmp_path / "datasets" for folder in folders)
    assert prepared.folder_for(tmp_path, "../../x.toml", []).parent == tmp_path / "datasets"


@pytest.mark.parametrize("file", ["x.npy", "splits.npy", "meta.json"])
def test_a_truncated_copy_is_not_read_and_is_replaced(square: GraphData, tmp_path: Path, file: str) -> None:
    folder = tmp_path / "datasets" / "square"
    prepared.write(folder, square)
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    assert prepared.read(folder) is None
    assert np.array_equal(prepared.write(folder, square).x, square.x)
    assert [path.name for path in folder.parent.iterdir()] == ["square"]


def test_another_process_was_first(square: GraphData, tmp_path: Path) -> None:
    folder = tmp_path / "datasets" / "square"
    prepared.write(folder, square)
    made = (folder / "x.npy").stat().st_ino
    prepared.write(folder, square)
    assert (folder / "x.npy").stat().st_ino == made
    assert [path.name for path in folder.parent.iterdir()] == ["square"]


def test_a_full_disk_is_one_sentence(square: GraphData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(DataError, match=r"cannot be written to .* \(No space left on device\); make room there or set"):
        prepared.write(tmp_path / "datasets" / "square", square)
    assert list((tmp_path / "datasets").iterdir()) == []


def test_a_cache_that_is_a_file_is_one_sentence(square: GraphData, tmp_path: Path) -> None:
    (tmp_path / "datasets").write_text("")
    with pytest.raises(DataError, match="set LEANGNN_CACHE to another folder"):
        prepared.write(tmp_path / "datasets" / "square", square)


def test_two_processes_prepare_the_same_set(tmp_path: Path) -> None:
    code = (
        "import sys; from bench.datasets import registry;"
        "print(registry.load('minesweeper-grid(side=20)', cache_dir=sys.argv[1]).sha256)"
    )
    racers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    first, second = (racer.communicate()[0] for racer in racers)
    assert [racer.returncode for racer in racers] == [0, 0]
    assert first == second
    assert len(list((tmp_path / "datasets").iterdir())) == 1


def test_a_prepared_set_needs_numpy_only(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from bench.datasets import registry\n"
        "registry.load('digits-knn', cache_dir=sys.argv[1])\n"
        "loaded = [m for m in ('torch', 'scipy', 'sklearn', 'pandas', 'pydantic') if m in sys.modules]\n"
        "print(loaded)\n"
    )
    for expected in (None, "[]\n"):
        ran = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
        assert expected is None or ran.stdout == expected
